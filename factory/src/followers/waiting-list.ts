import { closeSync, fsync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordedThing } from './changes.js';
import { errorCode } from '../platform/files/error-code.js';
import { type Lock, takeLock } from '../platform/files/lock.js';

/** Something that is to go to the warehouse, as it is when its turn comes. */
export interface Waiting extends RecordedThing {
  /** Grows with each mark, so that one which came while the thing was under way is told from the one before. */
  readonly seq: number;
}

type Line =
  | { readonly do: 'send'; readonly kind: RecordedThing['kind']; readonly id: string }
  | { readonly do: 'sent'; readonly kind: RecordedThing['kind']; readonly id: string };

/** Lines beyond those of the things that wait after which the file is written anew. */
const compactAfter = 1000;

const fileForm = /^waiting-\d+\.jsonl$/;

/**
 * What waits to be sent, in the order in which it came; whatever is marked again goes to the end. A file of JSON lines that is only appended
 * to, and written anew now and then. It holds names alone: what is sent is looked up when it is sent, so it can be sent twice without harm, and
 * no secret is kept here. Each process has a file of its own, and takes over those of processes that are gone.
 */
export class WaitingList {
  readonly #path: string;
  readonly #lock: Lock;
  readonly #things = new Map<string, Waiting>();
  #seq = 0;
  #file: number;
  #lines = 0;
  #closed = false;

  private constructor(path: string, lock: Lock, things: readonly RecordedThing[]) {
    this.#path = path;
    this.#lock = lock;
    for (const thing of things) this.#remember(thing);
    this.#file = this.#rewrite();
  }

  static async open(directory: string): Promise<WaitingList> {
    await mkdir(directory, { recursive: true });
    for (let number = 1; ; number++) {
      const path = join(directory, `waiting-${number}.jsonl`);
      const locked = await takeLock(lockOf(path));
      if (locked.kind === 'taken') continue;
      const others = (await listsIn(directory)).filter(other => other !== path);
      const things = await readLines(path);
      const adopted: { readonly path: string; readonly lock: Lock }[] = [];
      for (const other of others) {
        const left = await takeLock(lockOf(other));
        if (left.kind === 'taken') continue;
        things.push(...(await readLines(other)));
        adopted.push({ path: other, lock: left.lock });
      }
      const list = new WaitingList(path, locked.lock, things);
      for (const other of adopted) {
        await rm(other.path, { force: true });
        other.lock.release();
      }
      return list;
    }
  }

  get size(): number {
    return this.#things.size;
  }

  /** The first that waits, of those that are not left out. */
  first(leftOut: ReadonlySet<string>): Waiting | undefined {
    for (const [key, thing] of this.#things) if (!leftOut.has(key)) return thing;
    return undefined;
  }

  get(key: string): Waiting | undefined {
    return this.#things.get(key);
  }

  /**
   * Notes that things are to be sent: from now on that survives the end of the process.
   *
   * @throws what the file system says when it cannot be written
   */
  add(things: readonly RecordedThing[]): void {
    this.#append(things.map(({ kind, id }) => ({ do: 'send', kind, id })));
    for (const thing of things) this.#remember(thing);
  }

  /** Notes that a thing needs not be sent any more; without effect if it was marked again meanwhile. */
  remove({ kind, id, seq }: Waiting): void {
    const key = keyOf({ kind, id });
    if (this.#things.get(key)?.seq !== seq) return;
    this.#things.delete(key);
    this.#append([{ do: 'sent', kind, id }]);
    if (this.#lines > this.#things.size + compactAfter && !this.#closed) {
      const before = this.#file;
      this.#file = this.#rewrite();
      closeSync(before);
    }
  }

  /** Resolves when what was noted survives a power cut too. */
  synced(): Promise<void> {
    const file = this.#file;
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      // A file that was replaced meanwhile was synced by whoever did that.
      fsync(file, error =>
        error === null || file !== this.#file || this.#closed ? resolve() : reject(error),
      );
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#file);
    this.#lock.release();
  }

  #remember({ kind, id }: RecordedThing): void {
    const key = keyOf({ kind, id });
    this.#things.delete(key);
    this.#things.set(key, { kind, id, seq: ++this.#seq });
  }

  #append(lines: readonly Line[]): void {
    if (this.#closed) return;
    // A line break before each too: one that was cut short by a full disk must not take the next along.
    write(this.#file, lines.map(line => `\n${JSON.stringify(line)}\n`).join(''));
    this.#lines += lines.length;
  }

  #rewrite(): number {
    const file = openSync(`${this.#path}.new`, 'w', 0o600);
    try {
      write(
        file,
        [...this.#things.values()]
          .map(({ kind, id }) => `${JSON.stringify({ do: 'send', kind, id } satisfies Line)}\n`)
          .join(''),
      );
      fsyncSync(file);
      renameSync(`${this.#path}.new`, this.#path);
    } catch (error) {
      closeSync(file);
      throw error;
    }
    this.#lines = this.#things.size;
    return file;
  }
}

/** A thing's name in sets and maps. */
export function keyOf({ kind, id }: RecordedThing): string {
  return `${kind} ${id}`;
}

/** What waits in a directory, whoever is going to send it; nothing is changed. */
export async function waitingIn(directory: string): Promise<readonly RecordedThing[]> {
  const things: RecordedThing[] = [];
  for (const path of await listsIn(directory)) things.push(...(await readLines(path)));
  return things;
}

async function listsIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter(name => fileForm.test(name)).map(name => join(directory, name));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function lockOf(path: string): string {
  return `${path.slice(0, -'.jsonl'.length)}.lock`;
}

/** What is left to send by a file; a line that was cut short by a power cut counts for nothing. */
async function readLines(path: string): Promise<RecordedThing[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
  const things = new Map<string, RecordedThing>();
  for (const part of text.split('\n')) {
    const line = lineOf(part);
    if (line === undefined) continue;
    const { kind, id } = line;
    things.delete(keyOf(line));
    if (line.do === 'send') things.set(keyOf(line), { kind, id });
  }
  return [...things.values()];
}

function lineOf(text: string): Line | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const line: Partial<Record<keyof Line, unknown>> = value;
  const kind = kinds.find(one => one === line.kind);
  if (kind === undefined || typeof line.id !== 'string') return undefined;
  if (line.do !== 'send' && line.do !== 'sent') return undefined;
  return { do: line.do, kind, id: line.id };
}

const kinds = ['template', 'image', 'build', 'target_image', 'provider_image'] as const;

function write(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}
