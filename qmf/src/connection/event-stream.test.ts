import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { failure } from '../testing/poll.test.fixture.js';
import { EventStream } from './event-stream.js';

async function readAll<T>(stream: EventStream<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe('EventStream', () => {
  it('gives what was pushed, in order, to a reader that comes before or after', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer()), fc.array(fc.integer()), async (early, late) => {
        const stream = new EventStream<number>();
        for (const item of early) stream.push(item);
        const reading = readAll(stream);
        for (const item of late) {
          stream.push(item);
          await Promise.resolve();
        }
        stream.end();
        expect(await reading).to.deep.equal([...early, ...late]);
      }),
      { numRuns: 50 },
    );
  });

  it('drops what matters least beyond its limit, the oldest first', async () => {
    const dropped: number[] = [];
    const stream = new EventStream<number>(undefined, {
      limit: 3,
      rank: item => item % 10,
      onDrop: item => dropped.push(item),
    });
    for (const item of [12, 10, 11, 20, 22, 32, 42]) stream.push(item);
    stream.end();
    expect(await readAll(stream)).to.deep.equal([22, 32, 42]);
    expect(dropped).to.deep.equal([10, 20, 11, 12]);
  });

  it('keeps to its limit with ranks, whatever comes, and tells of each item that went', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(99), { maxLength: 200 }),
        fc.integer({ min: 1, max: 40 }),
        async (all, limit) => {
          const dropped: number[] = [];
          const stream = new EventStream<number>(undefined, {
            limit,
            rank: item => item % 3,
            onDrop: item => dropped.push(item),
          });
          for (const item of all) stream.push(item);
          stream.end();
          const read = await readAll(stream);
          expect(read.length).to.be.at.most(limit);
          expect([...read, ...dropped].sort()).to.deep.equal([...all].sort());
        },
      ),
    );
  });

  it('drops the oldest beyond its limit and tells', async () => {
    const dropped: number[] = [];
    const stream = new EventStream<number>(undefined, { limit: 2, onDrop: item => dropped.push(item) });
    for (const item of [1, 2, 3, 4]) stream.push(item);
    stream.end();
    expect(dropped).to.deep.equal([1, 2]);
    expect(await readAll(stream)).to.deep.equal([3, 4]);
  });

  it('ends once, whoever ends it, and takes nothing afterwards', async () => {
    let ends = 0;
    const stream = new EventStream<number>(() => ends++);
    stream.push(1);
    for await (const item of stream) {
      expect(item).to.equal(1);
      break;
    }
    stream.end();
    stream.push(2);
    expect(ends).to.equal(1);
    expect(await stream.next()).to.deep.equal({ done: true, value: undefined });
  });

  it('gives an error after the items before it, once', async () => {
    const stream = new EventStream<number>();
    stream.push(1);
    stream.end(new Error('over'));
    expect(await stream.next()).to.deep.equal({ done: false, value: 1 });
    expect((await failure(stream.next())).message).to.equal('over');
    expect(await stream.next()).to.deep.equal({ done: true, value: undefined });
  });

  it('settles every reader that waits', async () => {
    const stream = new EventStream<number>();
    const readers = [stream.next(), stream.next(), stream.next()];
    stream.push(7);
    await stream.return();
    expect((await Promise.all(readers)).map(({ value }) => value)).to.deep.equal([7, undefined, undefined]);
    const failing = new EventStream<number>();
    const waiting = failure(failing.next());
    failing.end(new Error('over'));
    expect((await waiting).message).to.equal('over');
  });

  it('keeps its order over many items', async () => {
    const stream = new EventStream<number>();
    const total = 10_000;
    let pushed = 0;
    for (let read = 0; read < total; read++) {
      while (pushed < Math.min(total, read * 2 + 1)) stream.push(pushed++);
      expect((await stream.next()).value).to.equal(read);
    }
  });
});
