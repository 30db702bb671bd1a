import { changesBetween, type RecordedThing } from './changes.js';
import { idsIn, type ImageDocument } from './documents.js';
import type { Lock } from '../platform/files/lock.js';
import type { PreparedFiles, RecordFiles } from './record-files.js';

/** Images that are written at a time, all of them before any of their callers is answered. */
const batchSize = 32;

/** A change of one image's document. */
export interface Change {
  readonly image: string;
  /**
   * Gives the document as it should be; the same one, or none, when there is nothing to change; one without builds to remove it. It is
   * applied again to what another process has made of it meanwhile, so it depends on nothing else.
   *
   * @throws what speaks against it
   */
  readonly apply: (image: ImageDocument | undefined) => ImageDocument | undefined;
  /** Uuids that may belong to no other image. */
  readonly claims?: readonly string[];
  /** @throws what speaks against it, when one of the uuids that it claims is another image's */
  readonly onClaimed?: (id: string, owner: string) => never;
  /** Whether it is no news to anybody. */
  readonly quiet?: boolean;
  /**
   * Resolves when that is safe from which the change is made again after a power cut. It is written meanwhile, put in place then, and told of
   * as soon as it is there; when this is rejected, it is not made.
   */
  readonly backup?: Promise<unknown>;
}

/** Told what is going to be changed; what it notes of that is safe when it resolves. */
export type BeforeChange = (things: readonly RecordedThing[]) => void | Promise<void>;

interface PendingChange extends Change {
  readonly settle: (error?: unknown) => void;
  readonly done: Promise<void>;
  /** Uuids that it brings. */
  readonly fresh: readonly string[];
}

/**
 * Changes of images' documents. A change counts in this process from the moment at which it is ordered, and its promise resolves when it is safe
 * on the disk, or in place with a backup. Those that come while others are written go together. Between processes a lock stands: under
 * it each change is applied to what is on the disk by then, so none is lost.
 */
export class Ledger {
  readonly #files: RecordFiles;
  readonly #beforeChange: BeforeChange;
  readonly #pending = new Map<string, readonly PendingChange[]>();
  /** To which images uuids lead that are not on the disk yet. */
  readonly #fresh = new Map<string, string>();
  #working: Promise<void> | undefined;
  /** What is in place, and not known to be on the disk. */
  #placed: PendingChange[] = [];
  #syncing: Promise<void> | undefined;

  constructor(files: RecordFiles, beforeChange: BeforeChange) {
    this.#files = files;
    this.#beforeChange = beforeChange;
  }

  image(id: string): ImageDocument | undefined {
    const image = (this.#pending.get(id) ?? []).reduce(appliedIfPossible, this.#files.image(id));
    return image?.builds.length === 0 ? undefined : image;
  }

  imageOf(id: string): ImageDocument | undefined {
    if (this.#pending.has(id)) return this.image(id);
    const fresh = this.#fresh.get(id);
    if (fresh !== undefined) return this.image(fresh);
    const stored = this.#files.imageOf(id);
    const image = stored === undefined ? undefined : this.image(stored.id);
    return image !== undefined && idsIn(image).has(id) ? image : undefined;
  }

  /**
   * Resolves when the change, and those of the same image before it, are on the disk, or in place with a backup.
   *
   * @throws what `apply` does, or the file system
   */
  async change(change: Change): Promise<void> {
    const { image: id } = change;
    // It is listened to when the change's turn comes, which may be after it has failed.
    change.backup?.catch(() => undefined);
    this.#assertClaims(change, claimed => this.imageOf(claimed));
    const before = this.image(id);
    const after = change.apply(before);
    const queue = this.#pending.get(id) ?? [];
    if (after === undefined || after === before) return await (queue.at(-1)?.done ?? this.#syncing);
    const known = before === undefined ? new Set<string>() : idsIn(before);
    const fresh = [...idsIn(after)].filter(one => !known.has(one));
    const { promise, resolve, reject } = deferred();
    const settle = (error?: unknown): void => {
      if (error === undefined) resolve();
      else reject(error);
    };
    this.#pending.set(id, [...queue, { ...change, settle, done: promise, fresh }]);
    for (const one of fresh) this.#fresh.set(one, id);
    this.#working ??= this.#work();
    await promise;
  }

  /** Resolves when all that was ordered is on the disk, or cannot be. */
  async settled(): Promise<void> {
    while (this.#working !== undefined || this.#syncing !== undefined) {
      await this.#working;
      await this.#syncing;
    }
  }

  /** Never rejects: whoever has ordered a change hears of what keeps it from the disk. */
  async #work(): Promise<void> {
    while (this.#pending.size > 0) {
      try {
        const lock = await this.#files.lock();
        let written: readonly PendingChange[];
        try {
          written = await this.#writeBatch();
        } finally {
          letGo(lock);
        }
        this.#placed.push(...written);
        if (written.length > 0) this.#syncing ??= this.#sync();
        // What comes meanwhile goes together, and other processes get their turn.
        if (this.#pending.size > 0) await this.#syncing;
      } catch (error) {
        // Who waits for something that cannot be written must not wait for ever.
        for (const [id, queue] of [...this.#pending]) {
          this.#drop(id, queue);
          for (const { settle } of queue) settle(error);
        }
      }
    }
    this.#working = undefined;
  }

  /** Writes the next images, and gives the changes that are on the disk when the directory is. Never rejects. */
  async #writeBatch(): Promise<readonly PendingChange[]> {
    const batch = [...this.#pending.keys()].slice(0, batchSize);
    return (await Promise.all(batch.map(id => this.#write(id)))).flat();
  }

  /** Tells those who wait for changes that these are on the disk. Never rejects. */
  async #sync(): Promise<void> {
    while (this.#placed.length > 0) {
      const placed = this.#placed.splice(0);
      let failure: unknown;
      await this.#files.sync().catch((error: unknown) => (failure = error));
      for (const { settle } of placed) settle(failure);
    }
    this.#syncing = undefined;
  }

  /** Writes what is to be changed of an image, and gives the changes that are in place. Never rejects. */
  async #write(id: string): Promise<readonly PendingChange[]> {
    const queue = this.#pending.get(id) ?? [];
    const refused = new Map<PendingChange, unknown>();
    const left = (): PendingChange[] => queue.filter(change => !refused.has(change));
    try {
      const before = this.#files.image(id);
      let files = await this.#prepare(before, left(), refused);
      while (files === 'again') files = await this.#prepare(before, left(), refused);
      files?.place();
    } catch (error) {
      for (const change of left()) refused.set(change, error);
    }
    // At the same moment at which it is in place: nobody sees it twice, or not at all.
    this.#drop(id, queue);
    for (const [{ settle }, error] of refused) settle(error);
    for (const { backup, settle } of left()) if (backup !== undefined) settle();
    return left();
  }

  /**
   * Writes what changes make of an image, ready to be put in place; nothing when that is what it is. Notes which of them are refused: `again`
   * when the backup of one of them has failed.
   */
  async #prepare(
    before: ImageDocument | undefined,
    changes: readonly PendingChange[],
    refused: Map<PendingChange, unknown>,
  ): Promise<PreparedFiles | 'again' | undefined> {
    let image = before;
    const things: RecordedThing[] = [];
    const taken: PendingChange[] = [];
    for (const change of changes) {
      try {
        this.#assertClaims(change, claimed => this.#files.imageOf(claimed));
        const next = change.apply(image) ?? image;
        if (next !== undefined && change.quiet !== true) things.push(...changesBetween(image, next));
        image = next;
        taken.push(change);
      } catch (error) {
        refused.set(change, error);
      }
    }
    if (image === undefined || image === before) return undefined;
    const { id } = image;
    const known = before === undefined ? new Set<string>() : idsIn(before);
    const now = idsIn(image);
    const links = {
      fresh: [...now].filter(one => one !== id && !known.has(one)),
      gone: [...known].filter(one => one !== id && !now.has(one)),
    };
    const count = refused.size;
    const waits = taken.map(async change => {
      await change.backup?.catch((error: unknown) => refused.set(change, error));
    });
    // Side by side, as each of them waits for the disk.
    const writing = this.#files.prepare(image, links);
    await Promise.allSettled([writing, ...waits]);
    const files = await writing;
    if (refused.size > count) {
      files.discard();
      return 'again';
    }
    try {
      // Only now, since what it is told of may be asked for at once.
      if (things.length > 0) await this.#beforeChange(things);
    } catch (error) {
      files.discard();
      throw error;
    }
    return files;
  }

  #drop(id: string, changes: readonly PendingChange[]): void {
    const left = (this.#pending.get(id) ?? []).filter(change => !changes.includes(change));
    if (left.length === 0) this.#pending.delete(id);
    else this.#pending.set(id, left);
    for (const one of changes.flatMap(({ fresh }) => fresh))
      if (this.#fresh.get(one) === id) this.#fresh.delete(one);
  }

  #assertClaims(
    { image, claims = [], onClaimed }: Change,
    imageOf: (id: string) => ImageDocument | undefined,
  ): void {
    for (const id of claims) {
      const owner = imageOf(id)?.id;
      if (owner !== undefined && owner !== image) onClaimed?.(id, owner);
    }
  }
}

function letGo(lock: Lock): void {
  try {
    lock.release();
  } catch {
    // The next one who wants it hears of it, and who waits for what was written must not.
  }
}

/** What another process has done may speak against a change by now: then it will be refused. */
function appliedIfPossible(
  image: ImageDocument | undefined,
  { apply }: PendingChange,
): ImageDocument | undefined {
  try {
    return apply(image) ?? image;
  } catch {
    return image;
  }
}

function deferred(): {
  promise: Promise<void>;
  resolve: () => void;
  reject: (reason: unknown) => void;
} {
  let resolve!: () => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
