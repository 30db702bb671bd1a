import { expect } from 'chai';
import { describe, it } from 'mocha';
import { until } from '@imagefactory/factory/testing';
import { FinishedAdaptors, type KeepLimits } from './finished-adaptors.js';

function kept(limits: Partial<KeepLimits>, now?: () => number) {
  const removed: string[] = [];
  const adaptors = new FinishedAdaptors({ age: 1e9, count: 1e9, size: 1e9, ...limits }, now);
  const add = (name: string, size = 1): void => adaptors.add({ size, remove: () => removed.push(name) });
  return { adaptors, removed, add };
}

describe('FinishedAdaptors', () => {
  it('keeps so many', () => {
    const { adaptors, removed, add } = kept({ count: 2 });
    for (const name of ['a', 'b', 'c']) add(name);
    expect(removed).to.deep.equal(['a']);
    expect(adaptors.count).to.equal(2);
    adaptors.stop();
  });

  it('keeps so much', () => {
    const { removed, add, adaptors } = kept({ size: 10 });
    add('a', 6);
    add('b', 6);
    add('c', 20);
    expect(removed).to.deep.equal(['a', 'b', 'c']);
    adaptors.stop();
  });

  it('keeps for so long', () => {
    let time = 0;
    const { adaptors, removed, add } = kept({ age: 100 }, () => time);
    add('a');
    time = 60;
    add('b');
    time = 100;
    adaptors.sweep();
    expect(removed).to.deep.equal(['a']);
    time = 160;
    adaptors.sweep();
    expect(removed).to.deep.equal(['a', 'b']);
  });

  it('looks at the clock by itself', async () => {
    const { removed, add } = kept({ age: 10 });
    add('a');
    await until('it is removed', () => removed.length === 1);
  });

  it('keeps nothing when told so', () => {
    for (const limits of [{ age: 0 }, { count: 0 }]) {
      const { removed, add } = kept(limits);
      add('a');
      expect(removed).to.deep.equal(['a']);
    }
  });
});
