import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { refusal } from '../store.suite.js';
import { Engine } from './engine.js';
import { openStore } from './open.js';
import type { Acknowledged } from './writer.test.fixture.js';

const program = fileURLToPath(new URL('./writer.test.fixture.js', import.meta.url));
/** The secret of every job. */
const secretWord = 'hunter2-in-a-file-of-its-own';

/** A running writer. */
interface Writer {
  readonly child: ChildProcess;
  /** Resolves when so many steps have been acknowledged. */
  readonly acknowledged: (count: number) => Promise<void>;
  /** Kills it as the system does when memory is short, and gives all that it has printed. */
  readonly kill: () => Promise<readonly Acknowledged[]>;
}

function startWriter(directory: string): Writer {
  const child = spawn(process.execPath, [program, directory, secretWord], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let output = '';
  let onOutput = (): void => undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    onOutput();
  });
  const lines = (): string[] => output.split('\n').slice(0, -1);
  return {
    child,
    acknowledged: async count => {
      const reached = new Promise<void>(resolve => {
        onOutput = () => {
          if (lines().length >= count) resolve();
        };
        onOutput();
      });
      await Promise.race([
        reached,
        closed.then(() => Promise.reject(new Error('the writer ended by itself'))),
      ]);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
      return lines().map(line => JSON.parse(line) as Acknowledged);
    },
  };
}

/** The ends of the frames of a write-ahead log, each of which is one write: https://sqlite.org/fileformat2.html#walformat */
function framesOf(log: Buffer): readonly number[] {
  const [header, frame] = [32, 24 + log.readUInt32BE(8)];
  const salt = log.readBigUInt64BE(16);
  const ends: number[] = [0, header];
  // Frames of before the last checkpoint have another salt.
  for (let at = header; at + frame <= log.length && log.readBigUInt64BE(at + 8) === salt; at += frame)
    ends.push(at + frame);
  return ends;
}

describe('store of a process that is killed', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'imagefactory-store-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('has every acknowledged step whole, a sequence without gaps, and no secret in a file of the database', async () => {
    const all: Acknowledged[] = [];
    for (let round = 0; round < 3; round++) {
      const count = 1 + Math.floor(Math.random() * 40);
      const writer = startWriter(directory);
      await writer.acknowledged(count);
      all.push(...(await writer.kill()));
      const files = (await readdir(directory)).filter(name => name.startsWith('store.'));
      expect(files).to.include.members(['store.db', 'store.db-wal']);
      for (const file of files)
        expect((await readFile(join(directory, file))).includes(secretWord), file).to.equal(false);
      const store = await openStore(directory);
      try {
        const message = `round ${round}, killed after ${count}`;
        expect(await store.check(), message).to.deep.equal([]);
        for (const { image, job, sequences } of all) {
          expect(await store.get('jobs', job), message).to.include({ status: 'new', secret: true, image });
          expect(await store.get('images', image), message).to.include({ status: 'pending' });
          for (const sequence of sequences)
            expect(await store.get('events', sequence), message).to.include({ job });
          expect(await store.secret(job), message).to.equal(secretWord);
        }
        const events = await store.count('events');
        const last = await store.find('events', {
          sort: [{ field: 'sequence', descending: true }],
          limit: 1,
        });
        expect(last.items[0]?.sequence, message).to.equal(events);
        // Whole steps: an order, a job, an image and two events each.
        const [orders, jobs, images] = [
          await store.count('orders'),
          await store.count('jobs'),
          await store.count('images'),
        ];
        expect([orders, jobs, images, events], message).to.deep.equal([jobs, jobs, jobs, 2 * jobs]);
        // Secrets of steps that were not recorded are gone.
        expect(await readdir(join(directory, 'secrets')), message).to.have.length(jobs);
      } finally {
        await store.close();
      }
    }
  });

  it('has whole steps after a power cut at any point of what was written', async () => {
    const writer = startWriter(directory);
    await writer.acknowledged(60);
    const acknowledged = await writer.kill();
    const [database, log] = await Promise.all(
      ['store.db', 'store.db-wal'].map(name => readFile(join(directory, name))),
    );
    if (database === undefined || log === undefined) throw new Error('a file is missing');
    const ends = framesOf(log);
    let before = 0;
    for (const [index, end] of ends.entries()) {
      const next = ends[index + 1] ?? end;
      // The cut is at the end of a write, or within the one that follows, whose rest the disk has as zeros, or as of earlier.
      const within = end + Math.floor(Math.random() * (next - end));
      const rest = [Buffer.alloc(0), Buffer.alloc(next - within), Buffer.alloc(next - within, 0x55)][
        index % 3
      ];
      const copy = await mkdtemp(join(tmpdir(), 'imagefactory-cut-'));
      try {
        await writeFile(join(copy, 'store.db'), database);
        await writeFile(
          join(copy, 'store.db-wal'),
          Buffer.concat([log.subarray(0, within), rest ?? Buffer.alloc(0)]),
        );
        // In this thread: a thread for each would take most of the time.
        const engine = Engine.open(copy);
        const message = `cut at ${within} of ${log.length}`;
        const [orders = 0, jobs, images, events] = (['orders', 'jobs', 'images', 'events'] as const).map(
          table => engine.count(table, undefined),
        );
        expect([jobs, images, events], message).to.deep.equal([orders, orders, 2 * orders]);
        expect(orders, message).to.be.at.least(before);
        expect(engine.check(), message).to.deep.equal([]);
        before = orders;
        engine.close();
      } finally {
        await rm(copy, { recursive: true });
      }
    }
    expect(before).to.be.at.least(acknowledged.length);
    expect(await readdir(join(directory, 'secrets'))).to.include.members(acknowledged.map(({ job }) => job));
  });

  it('is refused to a second process with the name of the first, until that is killed', async () => {
    const writer = startWriter(directory);
    try {
      await writer.acknowledged(1);
      const refused = await openStore(directory).catch((error: unknown) => error);
      expect(refused).to.include({ name: 'StoreError', code: 'in_use' });
      expect(refused)
        .to.have.property('message')
        .that.includes(`process ${writer.child.pid ?? 0} on `);
      expect(await refusal(openStore(directory))).to.equal('in_use');
    } finally {
      await writer.kill();
    }
    const store = await openStore(directory);
    expect(await refusal(openStore(directory))).to.equal('in_use');
    await store.close();
    await (await openStore(directory)).close();
  });
});
