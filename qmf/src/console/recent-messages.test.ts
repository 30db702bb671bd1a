import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { RecentMessages } from './recent-messages.js';

describe('RecentMessages', () => {
  it('knows a message again by its agent and its id', () => {
    const recent = new RecentMessages();
    expect(recent.seen('a', '1')).to.equal(false);
    expect(recent.seen('a', '1')).to.equal(true);
    expect(recent.seen('a', '2')).to.equal(false);
    expect(recent.seen('b', '1')).to.equal(false);
  });

  it('takes messages without a usable id as new, always', () => {
    const recent = new RecentMessages();
    for (const id of [undefined, '', 'x'.repeat(257)]) {
      expect(recent.seen('a', id)).to.equal(false);
      expect(recent.seen('a', id)).to.equal(false);
    }
    expect(recent.size).to.equal(0);
  });

  it('forgets the oldest ids of an agent beyond its share', () => {
    const recent = new RecentMessages({ perAgent: 2 });
    for (const id of ['1', '2', '3']) recent.seen('a', id);
    expect(recent.seen('a', '2')).to.equal(true);
    expect(recent.seen('a', '1')).to.equal(false);
  });

  it('forgets the agent that was silent for longest beyond the bound for all', () => {
    const recent = new RecentMessages({ total: 3 });
    recent.seen('a', '1');
    recent.seen('b', '1');
    recent.seen('a', '1');
    recent.seen('c', '1');
    recent.seen('d', '1');
    expect(recent.seen('a', '1')).to.equal(true);
    expect(recent.seen('b', '1')).to.equal(false);
  });

  it('forgets the agent that was silent for longest when there are too many, however few ids each has', () => {
    const recent = new RecentMessages({ agents: 100 });
    for (let number = 0; number < 1_000; number++) recent.seen(`agent ${number}`, '1');
    expect(recent.size).to.equal(100);
    expect(recent.seen('agent 900', '1')).to.equal(true);
    expect(recent.seen('agent 899', '1')).to.equal(false);
  });

  it('forgets a whole agent when told to', () => {
    const recent = new RecentMessages();
    recent.seen('a', '1');
    recent.forget('a');
    expect(recent.size).to.equal(0);
    expect(recent.seen('a', '1')).to.equal(false);
  });

  it('never exceeds its bounds, and never takes a new id for an old one', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ max: 5 }), fc.integer({ max: 20 }))), pairs => {
        const recent = new RecentMessages({ perAgent: 5, total: 12 });
        const told = new Set<string>();
        for (const [agent, id] of pairs) {
          const known = recent.seen(`agent ${agent}`, `id ${id}`);
          if (known && !told.has(`${agent} ${id}`)) return false;
          told.add(`${agent} ${id}`);
          if (recent.size > 12) return false;
        }
        return true;
      }),
    );
  });
});
