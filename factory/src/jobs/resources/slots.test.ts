import { expect } from 'chai';
import { describe, it } from 'mocha';
import { rejection } from '../../testing/until.js';
import { Slots } from './slots.js';

const never = new AbortController().signal;

describe('Slots', () => {
  it('hands slots out in the order of asking', async () => {
    const slots = new Slots(1);
    const first = await slots.take(never);
    const order: string[] = [];
    const second = slots.take(never).then(release => {
      order.push('second');
      return release;
    });
    const third = slots.take(never).then(() => order.push('third'));
    expect(slots.tryTake()).to.equal(undefined);
    expect(slots.waiting).to.equal(2);
    first();
    first();
    (await second)();
    await third;
    expect(order).to.deep.equal(['second', 'third']);
    expect(slots.tryTake()).to.equal(undefined);
  });

  it('lets one give up waiting', async () => {
    const slots = new Slots(1);
    const release = slots.tryTake();
    const controller = new AbortController();
    const waiting = slots.take(controller.signal);
    const next = slots.take(never);
    controller.abort(new Error('enough'));
    expect((await rejection(waiting)).message).to.equal('enough');
    expect((await rejection(slots.take(controller.signal))).message).to.equal('enough');
    release?.();
    await next;
  });
});
