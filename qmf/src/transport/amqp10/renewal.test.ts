import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type RunningBroker, startBroker } from '../../broker/index.js';
import { failure, until } from '../../testing/poll.test.fixture.js';
import { int32 } from '../../value/value.js';
import type { Binding, Wire } from '../transport.js';
import { amqp10 } from './amqp10.js';
import { Overlap } from './overlap.js';

const exchange = 'qmf.default.topic';
const binding = (key: string): Binding => ({ exchange, exchangeType: 'topic', key, create: false });

describe('bindings over AMQP 1.0', () => {
  let broker: RunningBroker;
  let wire: Wire;
  let heard: string[];
  const send = (subject: string, count = 0, node = exchange): Promise<void> =>
    wire.send({
      to: { node, subject },
      headers: new Map([['count', int32(count)]]),
      body: { form: 'none' },
    });
  const queues = (): number => broker.stats().queues.length;

  beforeEach(async () => {
    broker = await startBroker();
    wire = await amqp10(broker.url).dial(new AbortController().signal);
    heard = [];
    await wire.bind(binding('a.#'), ({ to }) => heard.push(to.subject ?? ''));
    await wire.bind(binding('b.#'), ({ to }) => heard.push(to.subject ?? ''));
  });
  afterEach(async () => {
    await wire.close();
    await broker.stop();
  });

  it('are there again when an administrator has taken them away, and once only', async () => {
    expect(broker.faults.unbind(exchange)).to.equal(2);
    await send('a.lost');
    await wire.renewBindings?.();
    await send('a.1');
    await send('b.1');
    await until('both are heard', () => heard.length >= 2);
    await until('the queues without a binding are gone', () => queues() === 2);
    expect(heard).to.deep.equal(['a.1', 'b.1']);
  });

  it('give each message once while links are replaced, also equal ones, and none is lost', async () => {
    const sent: string[] = [];
    const renewal = { isOver: false };
    const renewed = wire.renewBindings?.().then(() => {
      renewal.isOver = true;
    });
    for (let round = 0; !renewal.isOver; round++) {
      for (const subject of [`a.${round}`, 'a.same', `b.${round}`]) {
        sent.push(subject);
        await send(subject, subject === 'a.same' ? 0 : round);
      }
    }
    await renewed;
    await send('a.last');
    await until('the last is heard', () => heard.includes('a.last'));
    const order = (key: string) => (subject: string) => subject.startsWith(key);
    expect(heard.filter(order('a')).toSorted()).to.deep.equal(
      [...sent.filter(order('a')), 'a.last'].toSorted(),
    );
    expect(heard.filter(order('b'))).to.deep.equal(sent.filter(order('b')));
  });

  it('that were heard since the last time are left alone', async () => {
    await wire.renewBindings?.();
    await send('a.1');
    await until('it is heard', () => heard.length === 1);
    const names = (): string[] => broker.stats().queues.map(({ name }) => name);
    await until('replaced links are gone', () => queues() === 2);
    const before = new Set(names());
    await wire.renewBindings?.();
    await until('the one replaced link is gone', () => queues() === 2);
    expect(names().filter(name => before.has(name))).to.have.lengthOf(1);
  });

  it('of a wire whose exchange is gone end it when something is sent there, with nothing refused', async () => {
    broker.faults.deleteExchange(exchange);
    expect((await failure(send('a.1'))).code).to.equal('connection_lost');
    expect(await wire.closed).to.include({ code: 'connection_lost' });
  });

  it('do not suffer when somebody names an exchange for answers that is not there', async () => {
    expect((await failure(send('k', 0, 'missing'))).code).to.equal('address_refused');
    await send('a.1');
    await until('it is heard', () => heard.length === 1);
  });

  it('that are refused when they are renewed end the wire', async () => {
    broker.faults.attach(
      { do: 'refuse', error: { condition: 'amqp:unauthorized-access' } },
      { role: 'receiver' },
    );
    await wire.renewBindings?.();
    expect(await wire.closed).to.include({ code: 'connection_lost' });
  });
});

describe('the overlap of two links', () => {
  const message = (id: string) => ({ messageId: id, body: { form: 'none' } }) as const;

  it('lets each message through once, whichever link is first, and equal ones as often as they were sent', () => {
    const overlap = new Overlap();
    const seen = (side: 'before' | 'after', id: string): boolean => overlap.isNew(side, message(id));
    expect([seen('before', 'x'), seen('after', 'x')]).to.deep.equal([true, false]);
    expect([seen('after', 'y'), seen('before', 'y')]).to.deep.equal([true, false]);
    expect([seen('after', 'z'), seen('after', 'z'), seen('before', 'z')]).to.deep.equal([true, true, false]);
    expect(seen('before', 'only')).to.equal(true);
    overlap.end();
    expect([seen('after', 'only'), seen('after', 'x'), seen('after', 'only')]).to.deep.equal([
      false,
      true,
      true,
    ]);
  });

  it('takes no notice of the time that a message has left', () => {
    const overlap = new Overlap();
    expect(overlap.isNew('before', { ...message('x'), ttl: 5_000 })).to.equal(true);
    expect(overlap.isNew('after', { ...message('x'), ttl: 4_990 })).to.equal(false);
  });
});
