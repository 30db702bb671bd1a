import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import { FakeTimers, turn } from './fake-timers.test.fixture.js';
import { FakeWire } from './fake-transport.test.fixture.js';
import type { Importance } from './lane.js';
import { messageSize } from './message-size.js';
import { Outbox } from './outbox.js';
import { Tally } from './statistics.js';

const released = new QmfError('message_released', 'full');

function message(subject: string, node: string, bytes = 0): Envelope {
  return {
    to: { node, subject },
    headers: new Map(),
    body: { form: 'data', bytes: new Uint8Array(bytes) },
  };
}

describe('Outbox', () => {
  let timers: FakeTimers;
  let tally: Tally;
  let outbox: Outbox;
  let ends: Record<string, string>;
  let drops: number;

  function make(limit: number, window = 100, byteLimit = 1e9): void {
    timers = new FakeTimers();
    tally = new Tally();
    ends = {};
    drops = 0;
    const onDrop = (): unknown => drops++;
    outbox = new Outbox({ limit, byteLimit, window, tally, timers, onDrop, onEmpty: () => undefined });
  }

  function keep(subject: string, importance: Importance = 'lasting', node = 'e', bytes = 0): void {
    outbox.keep(message(subject, node, bytes), importance).then(
      () => (ends[subject] = 'accepted'),
      (error: unknown) => (ends[subject] = QmfError.from(error, 'closed').code),
    );
  }

  function wire(): FakeWire {
    const made = new FakeWire(false, () => Promise.resolve());
    outbox.attach(made);
    return made;
  }

  beforeEach(() => make(4));

  it('drops the oldest progress of all destinations first, and counts it', async () => {
    keep('p1', 'progress', 'x');
    keep('l1');
    keep('p2', 'progress');
    keep('p3', 'progress');
    keep('l2');
    keep('p4', 'progress');
    await turn();
    expect(ends).to.deep.equal({ p1: 'outbox_full', p2: 'outbox_full' });
    expect(drops).to.equal(2);
    expect(tally.dropped).to.equal(2);
    expect(wire().subjects).to.deep.equal(['l1', 'p3', 'l2', 'p4']);
  });

  it('keeps what lasts up to eight times the limit, and drops progress that comes then', async () => {
    for (let number = 0; number < 33; number++) keep(`l${number}`);
    keep('p', 'progress');
    await turn();
    expect(outbox.size).to.equal(32);
    expect(ends).to.deep.equal({ l32: 'outbox_full', p: 'outbox_full' });
  });

  it('counts bytes like messages', async () => {
    const kilobytes = 4 * messageSize(message('', 'e', 10_000));
    make(1_000, 100, kilobytes);
    for (const subject of ['p1', 'p2', 'p3', 'p4', 'p5']) keep(subject, 'progress', 'e', 10_000);
    await turn();
    expect(ends).to.deep.equal({ p1: 'outbox_full' });
    expect(outbox.bytes).to.equal(kilobytes);
    for (let number = 0; number < 32; number++) keep(`l${number}`, 'lasting', 'e', 10_000);
    keep('too much', 'lasting', 'e', 10_000);
    await turn();
    expect(outbox.bytes).to.equal(8 * kilobytes);
    expect(ends['too much']).to.equal('outbox_full');
  });

  it('takes one message of any size when it is empty', async () => {
    make(4, 100, 1_000);
    keep('large', 'progress', 'e', 1_000_000);
    expect(outbox.size).to.equal(1);
    keep('small', 'progress');
    await turn();
    expect(ends).to.deep.equal({ large: 'outbox_full' });
  });

  it('hands a window to a broker that takes nothing, and still drops by importance behind it', async () => {
    make(4, 2);
    const stalled = wire();
    for (const subject of ['p1', 'p2', 'p3', 'p4', 'p5']) keep(subject, 'progress');
    keep('l1');
    await turn();
    expect(stalled.subjects).to.deep.equal(['p1', 'p2']);
    expect(ends).to.deep.equal({ p3: 'outbox_full', p4: 'outbox_full' });
    stalled.sent[0]?.resolve();
    stalled.sent[1]?.resolve();
    await turn();
    expect(stalled.subjects).to.deep.equal(['p1', 'p2', 'p5', 'l1']);
  });

  it('does not hold up one destination for another, up to four windows', async () => {
    make(100, 1);
    const slow = wire();
    for (const node of ['a', 'b', 'c', 'd', 'e', 'f']) {
      keep(`${node}1`, 'lasting', node);
      keep(`${node}2`, 'lasting', node);
    }
    expect(slow.subjects).to.deep.equal(['a1', 'b1', 'c1', 'd1']);
    slow.sent[1]?.resolve();
    await turn();
    expect(slow.subjects.slice(4)).to.deep.equal(['b2']);
    slow.sent[4]?.resolve();
    await turn();
    expect(slow.subjects.slice(5)).to.deep.equal(['e1']);
  });

  it('gives a message its id once, and leaves one that has an id as it is', async () => {
    const first = wire();
    keep('a');
    void outbox.keep({ ...message('b', 'e'), messageId: 'mine' }, 'lasting');
    first.break();
    await turn();
    outbox.detach();
    const second = wire();
    const [a, b] = second.sent.map(({ envelope }) => envelope.messageId);
    expect(a).to.match(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(first.sent[0]?.envelope.messageId).to.equal(a);
    expect(b).to.equal('mine');
    expect(tally.resent).to.equal(2);
  });

  it('puts what was under way before all that waits, at every break', async () => {
    make(100, 3);
    const first = wire();
    for (const subject of ['1', '2', '3', '4', '5']) keep(subject);
    first.sent[1]?.resolve();
    await turn();
    first.break();
    await turn();
    outbox.detach();
    keep('6');
    const second = wire();
    expect(second.subjects).to.deep.equal(['1', '3', '4']);
    for (const { resolve } of second.sent) resolve();
    await turn();
    expect(second.subjects).to.deep.equal(['1', '3', '4', '5', '6']);
    expect(ends).to.deep.equal({ 1: 'accepted', 2: 'accepted', 3: 'accepted', 4: 'accepted' });
  });

  it('believes a broker that accepted although the wire is gone', async () => {
    const first = wire();
    keep('a');
    outbox.detach();
    first.sent[0]?.resolve();
    await turn();
    expect(ends).to.deep.equal({ a: 'accepted' });
    expect(wire().subjects).to.deep.equal([]);
  });

  describe('what the broker does not take', () => {
    it('is dropped when it is progress, or refused for good', async () => {
      const refusing = wire();
      keep('p', 'progress');
      keep('l');
      refusing.sent[0]?.reject(released);
      refusing.sent[1]?.reject(new QmfError('message_rejected', 'no'));
      await turn();
      expect(ends).to.deep.equal({ p: 'message_released', l: 'message_rejected' });
      expect(tally).to.include({ released: 1, rejected: 1 });
    });

    it('is sent again when it lasts, after a pause in which nothing overtakes it', async () => {
      const full = wire();
      keep('1');
      keep('2');
      full.sent[0]?.reject(released);
      full.sent[1]?.reject(released);
      await turn();
      keep('3');
      expect(full.subjects).to.deep.equal(['1', '2']);
      await timers.pass(100);
      expect(full.subjects).to.deep.equal(['1', '2', '1', '2', '3']);
      for (const { resolve } of full.unsettled) resolve();
      await turn();
      expect(ends).to.deep.equal({ 1: 'accepted', 2: 'accepted', 3: 'accepted' });
    });

    /** Three more times, in vain. */
    async function giveUp(subject: string, full: FakeWire): Promise<void> {
      keep(subject);
      for (const pause of [100, 200, 400]) {
        full.unsettled[0]?.reject(released);
        await timers.pass(pause - 1);
        expect(full.unsettled).to.be.empty;
        await timers.pass(1);
        expect(full.unsettled).to.have.length(1);
      }
      full.unsettled[0]?.reject(released);
      await turn();
      expect(ends).to.include({ [subject]: 'message_released' });
    }

    async function say(full: FakeWire, subject: string, word: 'accept' | 'release'): Promise<void> {
      keep(subject);
      const last = full.unsettled.at(-1);
      if (word === 'accept') last?.resolve();
      else last?.reject(released);
      await turn();
    }

    it('is given up after three more times, and no other of its key waits until the broker takes one', async () => {
      const full = wire();
      await giveUp('event', full);
      delete ends['event'];
      await say(full, 'event', 'release');
      expect(ends).to.deep.equal({ event: 'message_released' });
      await say(full, 'event', 'accept');
      await say(full, 'event', 'release');
      await timers.pass(100);
      expect(full.unsettled).to.have.length(1);
    });

    it('is tried no more often because something of another key was taken', async () => {
      const full = wire();
      await giveUp('event', full);
      await say(full, 'answer', 'accept');
      const before = full.sent.length;
      await say(full, 'event', 'release');
      await timers.pass(1_000);
      expect(full.sent).to.have.length(before + 1);
    });

    it('is tried again on another wire', async () => {
      const full = wire();
      await giveUp('event', full);
      full.break();
      await turn();
      outbox.detach();
      const next = wire();
      await say(next, 'event', 'release');
      await timers.pass(100);
      expect(next.subjects).to.deep.equal(['event', 'event']);
    });

    it('is remembered for a bounded number of keys', async () => {
      make(1000);
      const full = wire();
      for (let key = 0; key <= 100; key++) await giveUp(`${key}`, full);
      await say(full, '100', 'release');
      await timers.pass(1_000);
      expect(full.unsettled).to.be.empty;
      await say(full, '0', 'release');
      await timers.pass(100);
      expect(full.unsettled).to.have.length(1);
    });

    it('keeps its place also when the wire breaks meanwhile', async () => {
      make(100, 3);
      const full = wire();
      for (const subject of ['1', '2', '3', '4']) keep(subject);
      full.sent[1]?.reject(released);
      await turn();
      full.sent[0]?.reject(released);
      await turn();
      full.break();
      await turn();
      outbox.detach();
      const next = wire();
      expect(next.subjects).to.deep.equal(['1', '2', '3']);
      await timers.pass(1_000);
      expect(next.subjects).to.deep.equal(['1', '2', '3']);
    });
  });

  describe('and a message over which connections end', () => {
    /** A broker that cuts the connection at each message with the subject `poison`, and takes all others. */
    async function connectionsUntilQuiet(): Promise<number> {
      for (let count = 1; ; count++) {
        const made = wire();
        for (;;) {
          await turn();
          const { unsettled } = made;
          if (unsettled.length === 0) return count;
          if (unsettled.some(({ envelope }) => envelope.to.subject === 'poison')) break;
          for (const each of unsettled) each.resolve();
        }
        made.break();
        await turn();
        outbox.detach();
        await turn();
      }
    }

    it('drops that one at the third end, counts it, and sends all others', async () => {
      make(100);
      for (const subject of ['a', 'poison', 'b', 'c']) keep(subject);
      for (const subject of ['x', 'y']) keep(subject, 'lasting', 'another');
      keep('p', 'progress');
      expect(await connectionsUntilQuiet()).to.equal(4);
      expect(ends).to.deep.equal({
        ...{ a: 'accepted', b: 'accepted', c: 'accepted', x: 'accepted', y: 'accepted', p: 'accepted' },
        poison: 'message_rejected',
      });
      expect(tally).to.include({ poisoned: 1, rejected: 0, dropped: 0 });
    });

    it('sends the others of its connection one by one, so that none is dropped with it', async () => {
      make(100);
      for (const subject of ['a', 'poison', 'b']) keep(subject);
      for (let round = 0; round < 2; round++) {
        const made = wire();
        expect(made.subjects).to.deep.equal(['a', 'poison', 'b']);
        made.break();
        await turn();
        outbox.detach();
      }
      const made = wire();
      expect(made.subjects).to.deep.equal(['a']);
      made.sent[0]?.resolve();
      await turn();
      expect(made.subjects).to.deep.equal(['a', 'poison']);
      made.break();
      await turn();
      outbox.detach();
      await turn();
      expect(wire().subjects).to.deep.equal(['b']);
      await turn();
      expect(ends).to.deep.equal({ a: 'accepted', poison: 'message_rejected' });
    });

    it('does not blame what waited at one of the ends, or was never sent to the broker', async () => {
      make(100);
      keep('late');
      for (let round = 0; round < 8; round++) {
        if (round % 3 < 2) {
          const made = wire();
          await turn();
          made.break();
          await turn();
        }
        outbox.detach();
      }
      for (let round = 0; round < 8; round++) {
        const made = wire();
        made.break(new QmfError('connection_lost', 'no credit').unsent());
        await turn();
        outbox.detach();
      }
      await turn();
      expect(ends).to.deep.equal({});
      expect(tally.poisoned).to.equal(0);
    });
  });
});
