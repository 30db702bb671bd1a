import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { BusConnection } from '../connection/index.js';
import { FakeTransport } from '../connection/fake-transport.test.fixture.js';
import type { Envelope } from '../message/envelope.js';
import { opcodeOf } from '../message/headers.js';
import { until } from '../testing/poll.test.fixture.js';
import { Gadget, WidgetResized } from '../testing/widgets.test.fixture.js';
import type { Value } from '../value/value.js';
import { methodBody, object, requestHeaders } from './agent.test.fixture.js';
import { AgentSession } from './agent-session.js';

describe('an agent whose broker takes nothing', () => {
  let transport: FakeTransport;
  let connection: BusConnection;
  let agent: AgentSession;
  let warnings: string[];
  let finish: () => void;

  beforeEach(async () => {
    transport = new FakeTransport(['open'], false);
    connection = new BusConnection(transport, { outboxLimit: 100 });
    warnings = [];
    const log = { debug: () => undefined, warn: (text: string) => void warnings.push(text) };
    agent = new AgentSession(connection, {
      vendor: 'a',
      product: 'b',
      instance: randomUUID(),
      interval: 3_600,
      log,
    });
    await agent.open();
    connection.start();
    await connection.ready();
  });
  afterEach(async () => {
    agent.close();
    await connection.close();
  });

  const publish = (name: string, value = 'x'): void => {
    agent.publish(Gadget, {
      name,
      values: { name: value, count: 1 },
      methods: {
        echo: inputs => inputs,
        fail: () => ({}),
        hang: () =>
          new Promise(resolve => {
            finish = () => resolve({});
          }),
        start: (_inputs, call) => {
          call.afterReply(() => void agent.raise(WidgetResized, { name: 'after', size: 1 }));
          return { handle: {} };
        },
      },
    });
  };
  const request = (opcode: string, body: ReadonlyMap<string, Value>): void => {
    const envelope: Envelope = {
      to: { node: 'qmf.default.topic', subject: agent.directSubject },
      replyTo: { node: 'qmf.default.topic', subject: 'direct-console.x' },
      correlationId: '1',
      contentType: 'amqp/map',
      headers: requestHeaders(opcode),
      body: { form: 'value', value: body },
    };
    const [deliver] = transport.wire.bindings.values();
    deliver?.(envelope);
  };
  const query = (): void =>
    request('_query_request', object({ _what: 'OBJECT', _schema_id: object({ _class_name: 'Gadget' }) }));
  const answers = (opcode: string): number =>
    transport.wire.sent.filter(({ envelope }) => opcodeOf(envelope.headers) === opcode).length;
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve));
  };
  const acceptAll = (): void => {
    for (const { resolve } of transport.wire.sent) resolve();
  };

  it('drops progress and keeps the rest, within its bounds', async () => {
    for (let size = 1; size <= 1_000; size++)
      void agent.raise(WidgetResized, { name: 'progress', size }, { importance: 'progress' });
    void agent.raise(WidgetResized, { name: 'the end', size: 0 });
    await until('the drops are counted', () => agent.losses.droppedProgress === 900);
    expect(connection.statistics.waiting + connection.statistics.underWay).to.be.at.most(110);
    expect(agent.losses.dropped).to.equal(0);
    expect(warnings).to.have.lengthOf(1);
  });

  it('makes the parts of a long answer only as they are taken', async () => {
    for (let index = 0; index < 30; index++) publish(`g${index}`, 'x'.repeat(60_000));
    for (let index = 30; index < 60; index++) publish(`g${index}`, 'x'.repeat(60_000));
    query();
    await until('as many parts are under way as may be', () => answers('_query_response') === 8);
    await turns();
    expect(answers('_query_response')).to.equal(8);
    for (let before = 0; before !== answers('_query_response'); ) {
      before = answers('_query_response');
      acceptAll();
      await turns();
    }
    expect(answers('_query_response')).to.equal(20);
  });

  it('refuses more long answers than it can hold, and says so', async () => {
    for (let index = 0; index < 40; index++) publish(`g${index}`, 'x'.repeat(60_000));
    for (let index = 0; index < 5_000; index++) query();
    const { waiting, underWay, bytes } = connection.statistics;
    expect(waiting + underWay).to.be.at.most(100 * 8 + 10);
    expect(bytes).to.be.below(8 * 32 * 1024 * 1024 + 200_000);
    await until('the losses are counted', () => agent.losses.dropped > 0);
  });

  it('waits for running calls and for its messages when it stops, and tells what is left', async () => {
    publish('g1');
    request('_method_request', methodBody(agent.name, 'hang', new Map()));
    expect(await agent.settle({ timeout: 20 })).to.deep.equal({ calls: 1, messages: 0 });
    agent.refuse('stopping');
    request('_method_request', methodBody(agent.name, 'hang', new Map()));
    await until('the refusal is sent', () => answers('_exception') === 1);
    finish();
    expect(await agent.settle({ timeout: 20 })).to.deep.equal({ calls: 0, messages: 2 });
    query();
    await until('the answer is sent', () => answers('_query_response') === 1);
    const settling = agent.settle({ timeout: 5_000 });
    acceptAll();
    expect(await settling).to.deep.equal({ calls: 0, messages: 0 });
  });

  it('waits for no answer to a request that came after its last messages', async () => {
    publish('g1');
    query();
    await until('the answer is sent', () => answers('_query_response') === 1);
    const settling = agent.settle({ timeout: 45_000 });
    await turns();
    // As consoles do that hear of an end: the request comes together with the broker's word on the event.
    acceptAll();
    query();
    expect(await settling).to.deep.equal({ calls: 0, messages: 0 });
    await until('it is answered all the same', () => answers('_query_response') === 2);
    expect(await agent.settle({ timeout: 20 })).to.deep.equal({ calls: 0, messages: 1 });
  });

  it('waits for the answers to requests that came before, although they are being made', async () => {
    publish('g1');
    query();
    let isSettled = false;
    const settling = agent.settle({ timeout: 45_000 }).finally(() => (isSettled = true));
    await until('the answer is sent', () => answers('_query_response') === 1);
    await turns();
    expect(isSettled, 'before the broker has the answer').to.equal(false);
    acceptAll();
    expect(await settling).to.deep.equal({ calls: 0, messages: 0 });
  });

  it('has what a call has started go on all the same', async () => {
    publish('g1');
    request('_method_request', methodBody(agent.name, 'start', new Map()));
    await until('the event is raised', () => answers('_data_indication') === 1);
  });
});
