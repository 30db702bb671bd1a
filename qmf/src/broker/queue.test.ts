import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { FairFifo } from './fair-fifo.js';
import { Fifo } from './fifo.js';
import type { BrokerMessage } from './message.js';
import { BrokerQueue, type Offer, type QueueBounds } from './queue.js';
import { defaultLimits, messageOverhead, type Owner, quotasOf, sharesOf } from './quota.js';

const bounds: QueueBounds = { maxMessages: 3, maxBytes: 1000, whenFull: 'reject' };

function message(
  subject: string,
  { size = 10, expiresAt = Infinity, publisher = 'anna' } = {},
): BrokerMessage {
  return { bytes: Buffer.alloc(size), subject, to: '', replyTo: '', userId: '', expiresAt, publisher };
}

class Taker {
  readonly got: BrokerMessage[] = [];
  constructor(public answer: Offer) {}
  offer(offered: BrokerMessage): Offer {
    if (this.answer !== 'declined') this.got.push(offered);
    return this.answer;
  }
  get subjects(): string[] {
    return this.got.map(got => got.subject);
  }
}

describe('Fifo', () => {
  it('keeps the order through growth, wrap-around and putting back', () => {
    const fifo = new Fifo<number>();
    const model: number[] = [];
    for (let round = 0; round < 5000; round++) {
      if (round % 7 === 3) {
        fifo.unshift(-round);
        model.unshift(-round);
      } else if (round % 3 === 0) {
        expect(fifo.shift()).to.equal(model.shift());
      } else {
        fifo.push(round);
        model.push(round);
      }
      expect(fifo.peek()).to.equal(model[0]);
      expect(fifo.size).to.equal(model.length);
    }
    fifo.retain(item => item % 2 === 0);
    expect(Array.from({ length: fifo.size }, () => fifo.shift())).to.deep.equal(
      model.filter(item => item % 2 === 0),
    );
    expect(fifo.shift()).to.equal(undefined);
  });
});

describe('FairFifo', () => {
  it('gives each source its turn, keeps the order of each, and counts', async () => {
    const item = fc.record({ source: fc.constantFrom('a', 'b', 'c'), number: fc.nat(9) });
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('push', 'unshift'), item }),
      fc.record({ do: fc.constantFrom('shift', 'shiftLongest', 'retain'), item }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), steps => {
        const fifo = new FairFifo<string, { source: string; number: number }>(({ source }) => source);
        const model: { source: string; number: number }[] = [];
        const remove = (taken: { source: string; number: number } | undefined): void => {
          if (taken === undefined) {
            expect(model).to.deep.equal([]);
            return;
          }
          const first = model.findIndex(({ source }) => source === taken.source);
          expect(model[first]).to.equal(taken);
          model.splice(first, 1);
        };
        const sizeOf = (wanted: string): number => model.filter(({ source }) => source === wanted).length;
        for (const { do: action, item: given } of steps) {
          if (action === 'push') {
            fifo.push(given);
            model.push(given);
          } else if (action === 'unshift') {
            fifo.unshift(given);
            model.unshift(given);
          } else if (action === 'shift') {
            const next = fifo.peek();
            const taken = fifo.shift();
            expect(taken).to.equal(next);
            remove(taken);
          } else if (action === 'shiftLongest') {
            const longest = Math.max(...['a', 'b', 'c'].map(sizeOf));
            const taken = fifo.shiftLongest();
            if (taken !== undefined) expect(sizeOf(taken.source)).to.equal(longest);
            remove(taken);
          } else {
            const keep = ({ number }: { number: number }): boolean => number !== given.number;
            fifo.retain(keep);
            model.splice(0, model.length, ...model.filter(keep));
          }
          expect(fifo.size).to.equal(model.length);
          for (const source of ['a', 'b', 'c']) expect(fifo.sizeOf(source)).to.equal(sizeOf(source));
        }
        return Promise.resolve();
      }),
      { numRuns: 200 },
    );
  });
});

describe('BrokerQueue', () => {
  let now = 0;
  let owner: Owner;
  const queue = (changes: Partial<QueueBounds> = {}, limits = defaultLimits) => {
    now = 0;
    owner = { shares: sharesOf(quotasOf(limits)) };
    owner.shares.queues.take(1);
    return new BrokerQueue({
      name: 'q',
      lifetime: { until: 'deleted' },
      access: 'shared',
      bounds: { ...bounds, ...changes },
      owner,
      maker: 'somebody',
      now: () => now,
    });
  };

  it('refuses beyond its number of messages and takes again when some are gone', () => {
    const q = queue();
    expect(['1', '2', '3', '4'].map(subject => q.enqueue(message(subject)))).to.deep.equal([
      true,
      true,
      true,
      false,
    ]);
    expect(q.stats()).to.include({ messages: 3, refused: 1 });
    const taker = new Taker('taken');
    q.addConsumer(taker);
    q.pump();
    expect(taker.subjects).to.deep.equal(['1', '2', '3']);
    expect(q.enqueue(message('5'))).to.equal(true);
    expect(q.stats()).to.include({ messages: 0, bytes: 0 });
  });

  it('refuses beyond its bytes, and a message that alone is too big', () => {
    const q = queue({ maxBytes: 100 });
    expect(q.enqueue(message('big', { size: 101 }))).to.equal(false);
    expect(q.enqueue(message('1', { size: 60 }))).to.equal(true);
    expect(q.enqueue(message('2', { size: 60 }))).to.equal(false);
    expect(q.stats()).to.include({ bytes: 60, refused: 2 });
  });

  it('drops the oldest as a ring', () => {
    const q = queue({ whenFull: 'ring' });
    for (const subject of ['1', '2', '3', '4', '5']) expect(q.enqueue(message(subject))).to.equal(true);
    expect(q.enqueue(message('big', { size: 1001 }))).to.equal(false);
    const taker = new Taker('taken');
    q.addConsumer(taker);
    q.pump();
    expect(taker.subjects).to.deep.equal(['3', '4', '5']);
    expect(q.stats()).to.include({ overwritten: 2, refused: 1 });
  });

  it('gives publishers turns, in the order of each', () => {
    const q = queue({ maxMessages: 1_000, maxBytes: 1 << 20 });
    for (let number = 0; number < 500; number++) q.enqueue(message(`g${number}`, { publisher: 'greedy' }));
    for (const subject of ['b1', 'b2']) q.enqueue(message(subject, { publisher: 'bert' }));
    q.enqueue(message('c1', { publisher: 'carl' }));
    const taker = new Taker('taken');
    q.addConsumer(taker);
    q.pump();
    expect(taker.subjects.slice(0, 7)).to.deep.equal(['g0', 'b1', 'c1', 'g1', 'b2', 'g2', 'g3']);
    expect(taker.subjects.filter(subject => subject.startsWith('g'))).to.deep.equal(
      Array.from({ length: 500 }, (_none, number) => `g${number}`),
    );
  });

  it('has places for other publishers when one has filled it, some for each and some for all', () => {
    const q = queue({ maxMessages: 640, maxBytes: 1 << 20 });
    const fill = (publisher: string): number => {
      let taken = 0;
      while (q.enqueue(message('x', { publisher }))) taken++;
      return taken;
    };
    expect(fill('greedy')).to.equal(640);
    expect(fill('greedy')).to.equal(0);
    expect(fill('bert')).to.equal(10);
    const more = Array.from({ length: 30 }, (_none, number) => fill(`newcomer ${number}`));
    expect(more.slice(0, 15)).to.deep.equal(new Array(15).fill(10));
    expect(more.slice(15)).to.deep.equal(new Array(15).fill(0));
    expect(q.stats().messages).to.equal(640 + 160);
  });

  it('drops as a ring what the publisher with most has there', () => {
    const q = queue({ whenFull: 'ring' });
    q.enqueue(message('b1', { publisher: 'bert' }));
    for (const subject of ['g1', 'g2', 'g3', 'g4']) {
      expect(q.enqueue(message(subject, { publisher: 'greedy' }))).to.equal(true);
    }
    const taker = new Taker('taken');
    q.addConsumer(taker);
    q.pump();
    expect(taker.subjects).to.deep.equal(['b1', 'g3', 'g4']);
  });

  it('counts what a consumer holds, and has it back in front', () => {
    const q = queue();
    const holder = new Taker('held');
    q.addConsumer(holder);
    for (const subject of ['1', '2', '3']) q.enqueue(message(subject));
    expect(q.enqueue(message('4'))).to.equal(false);
    expect(q.stats()).to.include({ messages: 0, held: 3 });
    holder.answer = 'declined';
    q.settled(holder.got[0]!);
    expect(q.enqueue(message('5'))).to.equal(true);
    q.putBack([holder.got[1]!, holder.got[2]!]);
    expect(q.stats()).to.include({ messages: 3, held: 0, bytes: 30 });
    const taker = new Taker('taken');
    q.addConsumer(taker);
    q.pump();
    expect(taker.subjects).to.deep.equal(['2', '3', '5']);
  });

  it('drops expired messages at the head, and throughout when it needs room', () => {
    const q = queue();
    q.enqueue(message('keeps'));
    q.enqueue(message('short', { expiresAt: 10 }));
    q.enqueue(message('long', { expiresAt: 100 }));
    now = 11;
    expect(q.enqueue(message('new'))).to.equal(true);
    expect(q.stats()).to.include({ messages: 3, bytes: 30, expired: 1 });
    now = 101;
    const taker = new Taker('taken');
    q.addConsumer(taker);
    q.pump();
    expect(taker.subjects).to.deep.equal(['keeps', 'new']);
    expect(q.stats()).to.include({ messages: 0, bytes: 0, expired: 2 });
  });

  it('lets consumers take turns and passes over those that cannot', () => {
    const q = queue();
    const takers = [new Taker('taken'), new Taker('declined'), new Taker('taken')];
    for (const taker of takers) q.addConsumer(taker);
    for (let index = 0; index < 6; index++) q.enqueue(message(String(index)));
    expect(takers.map(taker => taker.got.length)).to.deep.equal([3, 0, 3]);
  });

  it('takes no more than its owner may hold, in all its states, and gives everything back', () => {
    const cost = 10 + messageOverhead;
    // An owner alone gets half.
    const limits = { ...defaultLimits, bytes: 4 * cost };
    const q = queue({ maxMessages: 100 }, limits);
    const { bytes } = owner.shares;
    expect(['1', '2', '3'].map(subject => q.enqueue(message(subject)))).to.deep.equal([true, true, false]);
    expect(bytes.used).to.equal(2 * cost);
    const holder = new Taker('held');
    q.addConsumer(holder);
    q.pump();
    expect(q.enqueue(message('4'))).to.equal(false);
    expect(bytes.used).to.equal(2 * cost);
    q.settled(holder.got[0]!);
    expect(bytes.used).to.equal(cost);
    holder.answer = 'declined';
    q.putBack([holder.got[1]!]);
    expect(bytes.used).to.equal(cost);
    const other: Owner = { shares: owner.shares };
    q.moveTo(other);
    expect(bytes.used).to.equal(cost);
    q.markDeleted();
    expect([bytes.used, owner.shares.queues.used]).to.deep.equal([0, 0]);
  });

  it('charges what consumers hold of a deleted queue until they let go', () => {
    const q = queue();
    const holder = new Taker('held');
    q.addConsumer(holder);
    for (const subject of ['1', '2']) q.enqueue(message(subject));
    q.markDeleted();
    expect(owner.shares.bytes.used).to.equal(2 * (10 + messageOverhead));
    q.settled(holder.got[0]!);
    q.putBack([holder.got[1]!]);
    expect(owner.shares.bytes.used).to.equal(0);
  });

  it('drops nothing as a ring for a message that its owner could not hold even then', () => {
    const cost = 10 + messageOverhead;
    const q = queue({ whenFull: 'ring' }, { ...defaultLimits, bytes: 4 * cost });
    q.enqueue(message('1'));
    owner.shares.bytes.add(2 * cost);
    expect(q.enqueue(message('2'))).to.equal(false);
    expect(q.stats()).to.include({ messages: 1, overwritten: 0 });
  });

  it('lets go of the input buffer that a waiting message came in', () => {
    const q = queue();
    const input = Buffer.alloc(64 * 1024);
    const waiting: BrokerMessage = { ...message('x'), bytes: input.subarray(100, 200) };
    q.enqueue(waiting);
    expect(waiting.bytes.buffer === input.buffer).to.equal(false);
    expect(waiting.bytes.length).to.equal(100);
  });
});
