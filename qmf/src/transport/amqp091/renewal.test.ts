import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { failure, until } from '../../testing/poll.test.fixture.js';
import type { Binding, Wire } from '../transport.js';
import { amqp091 } from './amqp091.js';
import { type MiniBroker, startMiniBroker } from './mini-broker.test.fixture.js';

const binding = (key: string): Binding => ({ exchange: 'x', exchangeType: 'topic', key, create: true });

describe('bindings over AMQP 0-9-1', () => {
  let broker: MiniBroker;
  let wire: Wire;
  let heard: string[];
  const listen = (key: string): Promise<() => void> =>
    wire.bind(binding(key), ({ to }) => heard.push(to.subject ?? ''));
  const send = (subject: string, node = 'x'): Promise<void> =>
    wire.send({ to: { node, subject }, headers: new Map(), body: { form: 'none' } });

  beforeEach(async () => {
    broker = await startMiniBroker({});
    wire = await amqp091(broker.url).dial(new AbortController().signal);
    heard = [];
    await listen('a.#');
    await listen('b.#');
  });
  afterEach(async () => {
    await wire.close();
    await broker.stop();
  });

  it('are there again when the exchange was deleted and made by somebody else', async () => {
    broker.exchanges.set('x', { type: 'topic', bindings: [] });
    await send('a.lost');
    await wire.renewBindings?.();
    await send('a.1');
    await send('b.1');
    await until('both are heard', () => heard.length >= 2);
    expect(heard).to.deep.equal(['a.1', 'b.1']);
  });

  it('that were given up are not put in place again', async () => {
    const release = await listen('c');
    release();
    await wire.renewBindings?.();
    await until('it is unbound', () => broker.heard.some(method => method.startsWith('50.50')));
    expect(broker.exchanges.get('x')?.bindings.map(({ key }) => key)).to.deep.equal(['a.#', 'b.#']);
  });

  const gone = { code: 'connection_lost', retryable: true };

  it('end the wire when something is sent to their exchange, which is gone', async () => {
    broker.exchanges.delete('x');
    expect(await failure(send('a.1'))).to.include(gone);
    expect(await wire.closed).to.include(gone);
  });

  it('end the wire when another is added to their exchange, which is gone', async () => {
    broker.exchanges.delete('x');
    expect(await failure(listen('c'))).to.include(gone);
    expect(await wire.closed).to.include(gone);
  });

  it('end the wire when they are renewed and their exchange is gone', async () => {
    broker.exchanges.delete('x');
    await wire.renewBindings?.();
    expect((await wire.closed)?.message).to.match(/an exchange that was in use has been deleted/);
  });

  it('do not suffer when somebody names an exchange for answers that is not there', async () => {
    expect((await failure(send('k', 'missing'))).code).to.equal('address_refused');
    await send('a.1');
    await until('it is heard', () => heard.length === 1);
  });
});
