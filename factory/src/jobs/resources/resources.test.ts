import { BuildError } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { rejection } from '../../testing/until.js';
import { NamedLocks } from './locks.js';
import { Queues } from './queues.js';
import { Slots } from './slots.js';
import { DiskSpace, type SpaceProbe } from './space.js';

const never = new AbortController().signal;
const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

describe('places in a queue', () => {
  it('are told at once and whenever they change', async () => {
    const slots = new Slots(1);
    const first = await slots.take(never);
    const told: string[] = [];
    const gone = new AbortController();
    const waiting = ['a', 'b', 'c'].map(name =>
      slots.take(name === 'a' ? gone.signal : never, position => told.push(`${name}${position}`)),
    );
    const leaving = rejection(waiting[0] ?? Promise.reject(new Error()));
    gone.abort(new Error('left'));
    await leaving;
    first();
    (await waiting[1])?.();
    (await waiting[2])?.();
    expect(told).to.deep.equal(['a1', 'b2', 'c3', 'b1', 'c2', 'c1']);
    expect(slots).to.include({ waiting: 0, taken: 0 });
  });
});

describe('Queues', () => {
  it('have a limit each: the one configured, or 2 for this machine and 4 for a cloud', () => {
    const queues = new Queues({ ec2: 1 });
    expect(['local', 'ec2', 'rhevm'].map(name => queues.of(name).count)).to.deep.equal([2, 1, 4]);
    queues.of('ec2').tryTake();
    void queues.of('ec2').take(never);
    expect(queues.waiting).to.equal(1);
    expect(queues.of('local').tryTake(), 'one queue does not wait for the other').not.to.equal(undefined);
    expect(queues.loads[1]).to.deep.equal({ name: 'ec2', limit: 1, running: 1, waiting: 1 });
  });
});

describe('NamedLocks', () => {
  it('let one in at a time, in the order of asking, and are forgotten', async () => {
    const locks = new NamedLocks();
    const order: string[] = [];
    let open: () => void = () => undefined;
    const gate = new Promise<void>(resolve => (open = resolve));
    const first = locks.exclusive('media', never, async () => {
      await gate;
      order.push('first');
    });
    const second = locks.exclusive('media', never, () => Promise.resolve(order.push('second')));
    await locks.exclusive('other', never, () => Promise.resolve(order.push('other')));
    open();
    await Promise.all([first, second]);
    expect(order).to.deep.equal(['other', 'first', 'second']);
    expect(locks.size).to.equal(0);
  });

  it('are given back by work that fails, and left by those who give up', async () => {
    const locks = new NamedLocks();
    await rejection(locks.exclusive('media', never, () => Promise.reject(new Error('oops'))));
    const holder = locks.exclusive('media', never, () => tick());
    const gone = new AbortController();
    const waiting = rejection(locks.exclusive('media', gone.signal, () => Promise.resolve()));
    gone.abort(new Error('aborted'));
    expect((await waiting).message).to.equal('aborted');
    await holder;
    expect(locks.size).to.equal(0);
  });
});

describe('DiskSpace', () => {
  /** Directories by file system, as in `a:/x`. */
  const disks = (free: Record<string, number>): SpaceProbe => ({
    device: directory => Promise.resolve(directory.split(':')[0] ?? ''),
    free: directory => Promise.resolve(free[directory.split(':')[0] ?? ''] ?? 0),
  });
  const nobody = (): void => {
    throw new Error('nothing to wait for');
  };

  it('is promised until given back, and then to those who wait', async () => {
    const space = new DiskSpace(10, disks({ a: 100 }));
    const release = await space.reserve([{ directory: 'a:/x', bytes: 60 }], never, nobody);
    let waits = 0;
    const second = space.reserve([{ directory: 'a:/y', bytes: 40 }], never, () => waits++);
    await tick();
    expect({ waits, reserved: space.reserved }).to.deep.equal({ waits: 1, reserved: 60 });
    release();
    release();
    (await second)();
    expect(space.reserved).to.equal(0);
  });

  it('is refused where it would not do with no other job either', async () => {
    const space = new DiskSpace(10, disks({ a: 100 }));
    const both = [
      { directory: 'a:/scratch', bytes: 50 },
      { directory: 'a:/images', bytes: 41 },
    ];
    const error = await rejection(space.reserve(both, never, nobody));
    expect(error).to.be.instanceOf(BuildError).and.include({ code: 'no_space' });
    expect(error.message).to.include('in a:/scratch').and.include('make room');
    expect(space.reserved).to.equal(0);
  });

  it('is waited for when another job has filled it, and refused when that job keeps it', async () => {
    const free = { a: 100 };
    const space = new DiskSpace(0, disks(free));
    const first = await space.reserve([{ directory: 'a:/x', bytes: 60 }], never, nobody);
    free.a = 40;
    const second = space.reserve([{ directory: 'a:/x', bytes: 60 }], never, () => {
      setImmediate(() => {
        free.a = 100;
        first();
      });
    });
    const release = await second;
    free.a = 40;
    const third = rejection(
      space.reserve([{ directory: 'a:/x', bytes: 60 }], never, () => setImmediate(release)),
    );
    expect(await third).to.include({ code: 'no_space' });
    expect(space.reserved).to.equal(0);
  });

  it('is not waited for any more after an abort', async () => {
    const space = new DiskSpace(0, disks({ a: 100 }));
    await space.reserve([{ directory: 'a:/x', bytes: 100 }], never, nobody);
    const gone = new AbortController();
    const waiting = rejection(
      space.reserve([{ directory: 'a:/x', bytes: 1 }], gone.signal, () => gone.abort(new Error('aborted'))),
    );
    expect((await waiting).message).to.equal('aborted');
    expect(space.reserved).to.equal(100);
  });

  it('is looked up on the real system', async () => {
    const release = await new DiskSpace(0).reserve([{ directory: '/', bytes: 1 }], never, nobody);
    release();
    const error = await rejection(
      new DiskSpace(0).reserve([{ directory: '/', bytes: 2 ** 60 }], never, nobody),
    );
    expect(error).to.include({ code: 'no_space' });
  });
});
