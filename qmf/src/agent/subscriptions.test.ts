import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { mock } from 'node:test';
import { onEachBroker, type TestBroker } from '../testing/brokers.test.fixture.js';
import { until } from '../testing/poll.test.fixture.js';
import { Gadget } from '../testing/widgets.test.fixture.js';
import { bigintOf, integerOf, mapOf, textOf } from '../value/text.js';
import { int32, int64, type Value } from '../value/value.js';
import type { BusConnection } from '../connection/index.js';
import type { Envelope } from '../message/envelope.js';
import {
  AgentBench,
  bodyList,
  bodyMap,
  classId,
  exceptionIn,
  object,
  opcodeOf,
  value,
} from './agent.test.fixture.js';
import { systemClock } from './clock.js';
import { ObjectStore } from './object-store.js';
import { silentLog } from '../session/session-log.js';
import { Losses } from './losses.js';
import { Replies } from './replies.js';
import { Subscriptions } from './subscriptions.js';
import { UnderWay } from './under-way.js';
import type { BareMessage } from '../codec/amqp10-message.js';

const gadgets = object({ _what: 'OBJECT', _schema_id: classId('', 'Gadget') });

onEachBroker('subscribing at an agent (§3.9)', start => {
  let broker: TestBroker;
  let bench: AgentBench;
  beforeEach(async () => {
    broker = await start();
    bench = await AgentBench.start(broker);
  });
  afterEach(async () => {
    await bench.close();
    await broker.stop();
  });
  const is = (opcode: string) => (message: BareMessage) => opcodeOf(message) === opcode;

  it('grants, publishes everything, then changes only, then a deletion; refresh and cancel', async () => {
    bench.send(
      '_subscribe_request',
      value(object({ _query: gadgets, _interval: int64(1), _duration: int64(60) })),
      { correlationId: 's' },
    );
    const grant = bodyMap(await bench.inbox.next(is('_subscribe_response')));
    expect(integerOf(grant.get('_interval'))).to.equal(1_000);
    expect(integerOf(grant.get('_duration'))).to.equal(60);
    const id = textOf(grant.get('_subscription_id'))!;
    const publication = async () => {
      const message = await bench.inbox.next(is('_data_indication'));
      expect(message).to.include({ correlationId: 's', contentType: 'amqp/list' });
      expect(message.applicationProperties?.get('qmf.content')).to.equal('_data');
      return bodyList(message);
    };
    expect(
      (await publication()).map(item => mapOf(item.get('_object_id'))!.get('_object_name')),
    ).to.deep.equal(['g1']);
    bench.gadget.update({ count: 4 });
    const [changed] = await publication();
    expect(integerOf(mapOf(changed!.get('_values'))!.get('count'))).to.equal(4);
    expect(bigintOf(changed!.get('_delete_ts'))).to.equal(0n);
    bench.gadget.remove();
    const [deleted] = await publication();
    expect(bigintOf(deleted!.get('_delete_ts'))! > 0n).to.equal(true);
    const refreshed = bodyMap(
      await bench.ask(
        '_subscribe_refresh_indication',
        value(object({ _subscription_id: id, _duration: int64(9_999) })),
      ),
    );
    expect(integerOf(refreshed.get('_duration'))).to.equal(3_600);
    // Neither has an answer: a cancellation, and a refresh of what is no more.
    bench.console.send('qmf.default.topic', {
      subject: bench.agent.directSubject,
      applicationProperties: object({ 'qmf.opcode': '_subscribe_cancel_indication' }),
      body: value(object({ _subscription_id: id })),
    });
    bench.send('_subscribe_refresh_indication', value(object({ _subscription_id: id })));
    await bench.query(gadgets);
    expect(bench.inbox.messages).to.deep.equal([]);
  });

  const wrong: readonly (readonly [string, ReturnType<typeof object>, RegExp])[] = [
    ['no query', object({}), /_query/],
    ['a query for schemas', object({ _query: object({ _what: 'SCHEMA_ID' }) }), /only OBJECT/],
    ['a query for nothing', object({ _query: object({ _what: 'OBJECT' }) }), /Query is Invalid/],
    ['a malformed predicate', object({ _query: object({ _what: 'OBJECT', _where: ['?'] }) }), /./],
  ];
  for (const [what, body, text] of wrong) {
    it(`refuses ${what}`, async () => {
      expect(exceptionIn(await bench.ask('_subscribe_request', value(body))).text).to.match(text);
    });
  }

  it('refuses more than 64, until one is cancelled', async () => {
    const request = value(object({ _query: gadgets }));
    const ids: Value[] = [];
    for (let count = 0; count < 64; count++) {
      bench.send('_subscribe_request', request, { correlationId: String(count) });
    }
    await until(
      'all are granted',
      () => bench.inbox.messages.filter(is('_subscribe_response')).length === 64,
    );
    for (const message of bench.inbox.messages.filter(is('_subscribe_response')))
      ids.push(bodyMap(message).get('_subscription_id')!);
    expect(new Set(ids).size).to.equal(64);
    const refused = exceptionIn(await bench.ask('_subscribe_request', request));
    expect(refused.text).to.match(/64 are active already/);
    expect(refused.code).to.equal(6);
    bench.send('_subscribe_cancel_indication', value(object({ _subscription_id: ids[0]! })));
    expect(opcodeOf(await bench.ask('_subscribe_request', request))).to.equal('_subscribe_response');
  });
});

describe('the times of subscriptions', () => {
  let sent: Envelope[];
  let store: ObjectStore;
  let subscriptions: Subscriptions;
  /** The broker's word on what is sent. */
  let accepted: Promise<void>;
  const taken = () => new Promise(resolve => setImmediate(resolve));
  let object_: ReturnType<ObjectStore['add']>;
  const target = { to: { node: 'queue' }, correlationId: 's', form: 'value' } as const;
  const query = {
    what: 'OBJECT',
    schemaId: { packageName: '', className: 'Gadget', kind: '_data' },
  } as const;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
    accepted = Promise.resolve();
    sent = [];
    // Only what replies need of a connection.
    const connection = {
      send: (envelope: Envelope) => {
        sent.push(envelope);
        return accepted;
      },
    } as unknown as BusConnection;
    const clock = systemClock();
    store = new ObjectStore('a:b:c', clock);
    object_ = store.add({
      address: { agentName: 'a:b:c', objectName: 'o', agentEpoch: 1 },
      schema: Gadget.schema,
      shownAs: Gadget.schema,
      values: new Map(),
      handlers: new Map(),
    });
    const losses = new Losses(silentLog, () => false);
    subscriptions = new Subscriptions(
      store,
      new Replies(connection, () => 'a:b:c', losses, new UnderWay()),
      clock,
    );
  });
  afterEach(() => {
    subscriptions.cancelAll();
    mock.timers.reset();
  });

  it('clamp what is asked for, whatever it is', () => {
    const granted = (interval?: number, duration?: number) => {
      const { interval: i, duration: d } = subscriptions.add(
        {
          query,
          ...(interval === undefined ? {} : { interval }),
          ...(duration === undefined ? {} : { duration }),
        },
        target,
      );
      return [i, d];
    };
    expect(granted()).to.deep.equal([30_000, 300]);
    expect(granted(0, 0)).to.deep.equal([1_000, 10]);
    expect(granted(-5, -5)).to.deep.equal([1_000, 10]);
    expect(granted(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)).to.deep.equal([3_600_000, 3_600]);
  });

  it('publish nothing when nothing has changed, and each change once', async () => {
    const { subscriptionId } = subscriptions.add({ query, interval: 1_000 }, target);
    subscriptions.publish(subscriptionId);
    expect(sent).to.have.length(1);
    await taken();
    mock.timers.tick(5_000);
    expect(sent).to.have.length(1);
    store.update(object_, new Map([['count', int32(1)]]));
    store.update(object_, new Map([['count', int32(2)]]));
    mock.timers.tick(5_000);
    expect(sent).to.have.length(2);
    await taken();
    store.remove(object_);
    mock.timers.tick(5_000);
    expect(sent).to.have.length(3);
  });

  it('wait until the last publication was taken, and then tell all that has changed', async () => {
    let take: () => void = () => undefined;
    accepted = new Promise(resolve => {
      take = resolve;
    });
    const { subscriptionId } = subscriptions.add({ query, interval: 1_000 }, target);
    subscriptions.publish(subscriptionId);
    for (let count = 0; count < 50; count++) {
      store.update(object_, new Map([['count', int32(count)]]));
      mock.timers.tick(1_000);
    }
    expect(sent).to.have.length(1);
    take();
    await taken();
    mock.timers.tick(1_000);
    expect(sent).to.have.length(2);
  });

  it('publish even an empty answer first, and deletions only of what was asked for', () => {
    const other = {
      what: 'OBJECT',
      objectId: { agentName: 'x:y:z', objectName: 'o', agentEpoch: 0 },
    } as const;
    const { subscriptionId } = subscriptions.add({ query: other, interval: 1_000 }, target);
    subscriptions.publish(subscriptionId);
    expect(sent.map(({ body }) => body)).to.deep.equal([{ form: 'value', value: [] }]);
    store.remove(object_);
    mock.timers.tick(2_000);
    expect(sent).to.have.length(1);
  });

  it('end in silence when their time is over; a refresh starts it again', () => {
    const { subscriptionId } = subscriptions.add({ query, duration: 10, interval: 1_000 }, target);
    mock.timers.tick(9_000);
    expect(subscriptions.refresh(subscriptionId, undefined)).to.include({ duration: 10, interval: 1_000 });
    mock.timers.tick(9_000);
    expect(subscriptions.size).to.equal(1);
    mock.timers.tick(1_000);
    expect(subscriptions.size).to.equal(0);
    expect(subscriptions.refresh(subscriptionId, 10)).to.equal(undefined);
    sent.length = 0;
    store.update(object_, new Map([['count', int32(3)]]));
    mock.timers.tick(60_000);
    expect(sent).to.deep.equal([]);
  });
});
