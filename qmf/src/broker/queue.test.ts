import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Fifo } from './fifo.js';
import type { BrokerMessage } from './message.js';
import { BrokerQueue, type Offer, type QueueBounds } from './queue.js';
import { defaultLimits, messageOverhead, type Owner, quotasOf, sharesOf } from './quota.js';

const bounds: QueueBounds = { maxMessages: 3, maxBytes: 1000, whenFull: 'reject' };

function message(subject: string, { size = 10, expiresAt = Infinity } = {}): BrokerMessage {
  return { bytes: Buffer.alloc(size), subject, to: '', replyTo: '', userId: '', expiresAt };
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
