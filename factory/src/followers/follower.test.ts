import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type ImageStatus, openMemoryStore, type Store, type StoreEvent } from '../store/index.js';
import { recordingLogger } from '../testing/recording-logger.js';
import { rejection, until } from '../testing/until.js';
import { Follower, type FollowerOptions } from './follower.js';
import { suspendFollower, undoneTasks } from './positions.js';

/** An error after which nothing else can be done either. */
class Outage extends Error {}

const types = ['image.state'] as const;
const tasksOf = ({ image }: StoreEvent): Promise<readonly string[]> =>
  Promise.resolve(image === undefined ? [] : [image]);

describe('Follower', () => {
  let store: Store;
  let follower: Follower | undefined;
  /** Tasks in the order of the attempts. */
  let attempts: string[];
  /** Errors that the next attempts at a task meet. */
  let errors: Map<string, Error>;
  beforeEach(async () => {
    store = await openMemoryStore();
    attempts = [];
    errors = new Map();
  });
  afterEach(async () => {
    await follower?.stop();
    follower = undefined;
    await store.close();
  });

  async function open(options: Partial<FollowerOptions> = {}): Promise<Follower> {
    follower = await Follower.open({
      ...{ store, name: 'reader', types, tasksOf, log: recordingLogger(), pause: 1, longestPause: 2 },
      work: task => {
        attempts.push(task);
        const error = errors.get(task);
        return error === undefined ? Promise.resolve() : Promise.reject(error);
      },
      isOutage: error => error instanceof Outage,
      ...options,
    });
    return follower;
  }

  /** Changes the status of an image. @returns the sequence of the event */
  async function change(id: string, status: ImageStatus): Promise<number> {
    const events = await store.commit([{ change: 'image.put', image: image(id, status) }]);
    return events[0]?.sequence ?? 0;
  }
  const image = (id: string, status: ImageStatus) => ({
    ...{ id, kind: 'base' as const, status, percent: 0, activity: '' },
    ...{ parameters: {}, properties: {} },
  });
  const position = async (name = 'reader'): Promise<number | undefined> =>
    (await store.get('followers', name))?.position;
  const idle = (of: Follower): Promise<void> => until('all is done', () => of.state === 'idle');
  const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()];

  it('begins after the newest event when it is new, and does each later task in the order of the events', async () => {
    const first = await change(a, 'new');
    const reader = await open();
    expect(await position()).to.equal(first);
    reader.start();
    await change(b, 'new');
    const last = await change(c, 'new');
    await until('both are done', () => attempts.length === 2);
    await idle(reader);
    expect(attempts).to.deep.equal([b, c]);
    expect(await position()).to.equal(last);
  });

  it('does a task of several events once, after the last of them', async () => {
    const reader = await open();
    await change(a, 'new');
    await change(b, 'new');
    const last = await change(a, 'building');
    expect(await reader.attempt([], new AbortController().signal), 'read').to.deep.equal({ kind: 'done' });
    expect(reader.waiting).to.equal(2);
    reader.start();
    await until('both are done', () => attempts.length === 2);
    await idle(reader);
    expect(attempts).to.deep.equal([b, a]);
    expect(await position()).to.equal(last);
  });

  it('repeats a task whose event came while it was under way', async () => {
    let release = (): void => undefined;
    const reader = await open({
      work: async task => {
        attempts.push(task);
        if (attempts.length === 1) await new Promise<void>(resolve => (release = resolve));
      },
    });
    reader.start();
    await change(a, 'new');
    await until('it is under way', () => attempts.length === 1);
    const second = await change(a, 'building');
    release();
    await until('it is repeated', () => attempts.length === 2);
    await idle(reader);
    expect(await position()).to.equal(second);
  });

  it('passes events that lead to nothing when a job ends', async () => {
    await open({ types: ['image.state', 'job.state'], tasksOf: () => Promise.resolve([]) });
    const [id, orderId] = [randomUUID(), randomUUID()];
    await store.commit([
      { change: 'order.add', order: { id: orderId, caller: '', door: 'cli', action: 'import' } },
      { change: 'job.add', job: { id, kind: 'target', orderId } },
    ]);
    await change(a, 'new');
    expect(await position()).to.equal(0);
    const [end] = await store.commit([
      { change: 'job.state', id, state: { status: 'completed', result: {} } },
    ]);
    await until('it is passed', async () => (await position()) === end?.sequence);
  });

  it('lets nothing overtake a task in an outage, and its position pass nothing that is undone', async () => {
    const outages: unknown[] = [];
    let available = 0;
    const reader = await open({ onOutage: error => outages.push(error), onAvailable: () => available++ });
    reader.start();
    const done = await change(a, 'new');
    await until('one is done', () => available === 1);
    errors.set(b, new Outage('nobody there'));
    await change(b, 'new');
    await change(c, 'new');
    await until('it is attempted again', () => outages.length > 3);
    expect(attempts).to.not.include(c);
    expect(await position()).to.equal(done);
    expect(await undoneTasks(store, 'reader', types, tasksOf)).to.deep.equal([b, c]);
    const signal = AbortSignal.timeout(60_000);
    expect(await reader.attempt([c], signal)).to.deep.equal({
      ...{ kind: 'kept', reason: 'nobody there', isLogged: true },
    });
    errors.clear();
    await idle(reader);
    expect(attempts.slice(-2)).to.deep.equal([b, c]);
    expect(available).to.equal(3);
    expect(await reader.attempt([b, c], signal)).to.deep.equal({ kind: 'done' });
  });

  it('leaves out a task that is refused, with a position of its own, until it is accepted', async () => {
    errors.set(a, new Error('not this one'));
    const reader = await open();
    reader.start();
    const refused = await change(a, 'new');
    const last = await change(b, 'new');
    await until('the other is done', async () => (await position()) === last);
    expect(await position(`reader/${a}`)).to.equal(refused);
    expect(await undoneTasks(store, 'reader', types, tasksOf)).to.deep.equal([a]);
    expect(await reader.attempt([a], AbortSignal.timeout(60_000))).to.deep.equal({
      ...{ kind: 'kept', reason: 'not this one', isLogged: true },
    });
    await until('it is repeated by itself', () => attempts.filter(one => one === a).length > 3);
    await reader.stop();
    const again = await open();
    expect(again.waiting).to.equal(1);
    errors.clear();
    again.start();
    await idle(again);
    expect(again.waiting).to.equal(0);
    expect(await position(`reader/${a}`)).to.equal(undefined);
    expect(await position()).to.equal(last);
  });

  it('lets the job of a task go that it has left out', async () => {
    errors.set(a, new Error('not this one'));
    const reader = await open({ types: ['image.state', 'job.state'] });
    const [id, orderId] = [randomUUID(), randomUUID()];
    await store.commit([
      { change: 'order.add', order: { id: orderId, caller: '', door: 'cli', action: 'build' } },
      { change: 'job.add', job: { id, kind: 'base', orderId } },
      { change: 'image.put', job: id, image: image(a, 'complete') },
    ]);
    const ended = await store.commit([
      { change: 'job.state', id, state: { status: 'completed', result: {} } },
    ]);
    const removal = [{ change: 'job.remove', id }] as const;
    expect((await rejection(store.commit(removal))).message).to.include('follower reader has not passed');
    reader.start();
    await until('its event is passed', async () => (await position()) === ended[0]?.sequence);
    await store.commit(removal);
    expect(await store.count('events', { job: id })).to.equal(0);
    errors.clear();
    await idle(reader);
    expect(await position(`reader/${a}`)).to.equal(undefined);
  });

  it('ends an attempt with the signal, and the task under way when it stops', async () => {
    const reader = await open({
      work: async (task, signal) => {
        attempts.push(task);
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('stopped'))),
        );
      },
    });
    reader.start();
    await change(a, 'new');
    await until('it is under way', () => attempts.length === 1);
    const stop = new AbortController();
    const attempt = reader.attempt([a], stop.signal);
    stop.abort(new Error('no time'));
    expect(await attempt).to.deep.equal({
      ...{ kind: 'kept', reason: 'it was cut short: no time', isLogged: false },
    });
    await reader.stop();
    expect(reader.state).to.equal('stopped');
    expect(await undoneTasks(store, 'reader', types, tasksOf)).to.deep.equal([a]);
  });

  it('keeps undone tasks when it is suspended, and begins anew after the newest event', async () => {
    errors.set(a, new Outage('nobody there'));
    const reader = await open();
    await change(a, 'new');
    await reader.stop();
    expect(await suspendFollower(store, 'reader', types, tasksOf)).to.equal(1);
    expect(await position()).to.equal(undefined);
    await change(b, 'new');
    expect(await suspendFollower(store, 'reader', types, tasksOf), 'a second time').to.equal(1);
    errors.clear();
    const again = await open();
    await change(c, 'new');
    again.start();
    await until('two are done', () => attempts.length === 2);
    expect(attempts).to.deep.equal([a, c]);
  });

  it('goes on when its position cannot be recorded, and repeats what it did after a restart', async () => {
    const log = recordingLogger();
    const commit = store.commit.bind(store);
    const reader = await open({ log });
    reader.start();
    store.commit = changes =>
      changes.some(one => one.change === 'follower.advance')
        ? Promise.reject(new Error('the disk is full'))
        : commit(changes);
    await change(a, 'new');
    await idle(reader);
    await until('it is done', () => attempts.length === 1);
    await reader.stop();
    store.commit = commit;
    expect(log.lines.join('\n')).to.match(
      /^warn.*position of reader could not be recorded: the disk is full; a restart repeats/,
    );
    const again = await open();
    again.start();
    await until('it is repeated', () => attempts.length === 2);
  });
});
