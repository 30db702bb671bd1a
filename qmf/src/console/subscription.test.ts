import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { mock } from 'node:test';
import type { Envelope } from '../message/envelope.js';
import { headersFor } from '../message/headers.js';
import { subscribeResponseToValue } from '../message/subscribe.js';
import type { AgentTransport, ConsoleAgent } from './console-agent.js';
import { SchemaCache } from './schema-cache.js';
import { openSubscription } from './subscription.js';

describe('a granted subscription', () => {
  const told: string[] = [];
  let ended: boolean;
  // Only its name is looked at.
  const agent = { name: 'a:b:c' } as ConsoleAgent;
  const transport: AgentTransport = {
    schemas: new SchemaCache(),
    requestV1: () => Promise.reject(new Error('not asked')),
    notify: (_agent, opcode) => {
      told.push(opcode);
      return Promise.resolve();
    },
    request: (_agent, _what, _opcode, _body, options, receive) =>
      new Promise((_resolve, reject) => {
        options.signal?.addEventListener('abort', () => {
          ended = true;
          reject(new Error('given up'));
        });
        const envelope: Envelope = {
          to: { node: 'me' },
          headers: headersFor('_subscribe_response', { agent: agent.name }),
          body: {
            form: 'value',
            value: subscribeResponseToValue({ subscriptionId: 's', duration: 10, interval: 1_000 }),
          },
        };
        receive(envelope);
      }),
  };

  beforeEach(() => {
    told.length = 0;
    ended = false;
    mock.timers.enable({ apis: ['setTimeout'] });
  });
  afterEach(() => mock.timers.reset());

  const open = () => openSubscription(agent, transport, { query: { what: 'OBJECT' } }, {});

  it('ends a little after the time that was granted, since the agent says nothing', async () => {
    const reading = (await open())[Symbol.asyncIterator]().next();
    mock.timers.tick(14_999);
    expect(ended).to.equal(false);
    mock.timers.tick(1);
    expect(await reading).to.deep.equal({ done: true, value: undefined });
    expect(ended).to.equal(true);
  });

  it('starts its time again with a refresh', async () => {
    const subscription = await open();
    mock.timers.tick(14_000);
    await subscription.refresh();
    mock.timers.tick(14_000);
    expect(ended).to.equal(false);
    await subscription.cancel();
    expect(ended).to.equal(true);
    expect(told).to.deep.equal(['_subscribe_refresh_indication', '_subscribe_cancel_indication']);
  });
});
