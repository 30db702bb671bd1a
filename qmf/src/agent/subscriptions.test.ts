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
import { boundedShares, type CallerShares } from './shares.js';
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
    expect(refused.text).to.match(/^subscriptions: 64 are under way already, of at most 64; cancel one/);
    expect(refused.code).to.equal(8);
    bench.send('_subscribe_cancel_indication', value(object({ _subscription_id: ids[0]! })));
    expect(opcodeOf(await bench.ask('_subscribe_request', request))).to.equal('_subscribe_response');
  });
});

describe('the times of subscriptions', () => {
  let sent: Envelope[];
  let store: ObjectStore;
  let subscriptions: Subscriptions;
  let shares: CallerShares;
  let closing: AbortController;
  /** The broker's word on what is sent. */
  let accepted: Promise<void>;
  const taken = () => new Promise(resolve => setImmediate(resolve));
  let object_: ReturnType<ObjectStore['add']>;
  const target = { to: { node: 'queue' }, correlationId: 's', form: 'value', caller: 'someone' } as const;
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
    shares = boundedShares();
    const replies = new Replies(connection, () => 'a:b:c', losses, shares.answers, new UnderWay());
    closing = new AbortController();
    subscriptions = new Subscriptions(store, replies, clock, shares, closing.signal);
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
    await subscriptions.publish(subscriptionId);
    await taken();
    expect(sent).to.have.length(1);
    mock.timers.tick(5_000);
    await taken();
    expect(sent).to.have.length(1);
    store.update(object_, new Map([['count', int32(1)]]));
    store.update(object_, new Map([['count', int32(2)]]));
    mock.timers.tick(5_000);
    await taken();
    expect(sent).to.have.length(2);
    await taken();
    store.remove(object_);
    mock.timers.tick(5_000);
    await taken();
    expect(sent).to.have.length(3);
  });

  it('wait until the last publication was taken, and then tell all that has changed', async () => {
    let take: () => void = () => undefined;
    accepted = new Promise(resolve => {
      take = resolve;
    });
    const { subscriptionId } = subscriptions.add({ query, interval: 1_000 }, target);
    await subscriptions.publish(subscriptionId);
    await taken();
    for (let count = 0; count < 50; count++) {
      store.update(object_, new Map([['count', int32(count)]]));
      mock.timers.tick(1_000);
      await taken();
    }
    expect(sent).to.have.length(1);
    take();
    await taken();
    mock.timers.tick(1_000);
    await taken();
    expect(sent).to.have.length(2);
  });

  it('publish even an empty answer first, and deletions only of what was asked for', async () => {
    const other = {
      what: 'OBJECT',
      objectId: { agentName: 'x:y:z', objectName: 'o', agentEpoch: 0 },
    } as const;
    const { subscriptionId } = subscriptions.add({ query: other, interval: 1_000 }, target);
    await subscriptions.publish(subscriptionId);
    await taken();
    expect(sent.map(({ body }) => body)).to.deep.equal([{ form: 'value', value: [] }]);
    store.remove(object_);
    mock.timers.tick(2_000);
    await taken();
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

  it('end with an exception when a publication costs too much, and hold up nobody meanwhile', async () => {
    for (let count = 0; count < 30; count++) {
      const address = { agentName: 'a:b:c', objectName: `n${count}`, agentEpoch: 1 };
      const values = new Map([['name', 'a'.repeat(4_096)]]);
      store.add({ address, schema: Gadget.schema, shownAs: Gadget.schema, values, handlers: new Map() });
    }
    // A third of a million steps for each object.
    const costly = { ...query, where: ['not', ['re_match', 'name', ['quote', '(a?){20}b']]] };
    const { subscriptionId } = subscriptions.add({ query: costly, interval: 1_000 }, target);
    let turns = 0;
    let isOver = false;
    const others = async (): Promise<void> => {
      for (; !isOver && turns < 5_000; turns++) await taken();
    };
    const counting = others();
    await subscriptions.publish(subscriptionId);
    expect(opcodesOf(sent), 'within the budget of a query').to.deep.equal(['_data_indication']);
    expect(turns, 'one turn for 20,000 steps at most').to.be.above(100);
    await taken();
    for (let count = 0; count < 30; count++)
      store.update(store.find({ agentName: '', objectName: `n${count}`, agentEpoch: 0 })!, new Map());
    await subscriptions.publish(subscriptionId);
    isOver = true;
    await counting;
    expect(opcodesOf(sent)).to.deep.equal(['_data_indication', '_exception']);
    const { body } = sent.at(-1)!;
    const values = body.form === 'value' ? mapOf(mapOf(body.value)?.get('_values')) : undefined;
    expect(textOf(values?.get('error_text'))).to.match(
      /^a publication of the subscription takes more than 5000000 steps; /,
    );
    expect(subscriptions.size, 'it is over').to.equal(0);
    shares.subscriptions.take('someone', 64)();
  });

  it('see the objects as they were when the publication began, and stop when the agent closes', async () => {
    for (let count = 0; count < 20; count++) {
      const address = { agentName: 'a:b:c', objectName: `n${count}`, agentEpoch: 1 };
      const values = new Map<string, Value>([
        ['name', 'a'.repeat(4_096)],
        ['count', int32(1)],
      ]);
      store.add({ address, schema: Gadget.schema, shownAs: Gadget.schema, values, handlers: new Map() });
    }
    const costly = { ...query, where: ['not', ['re_match', 'name', ['quote', '(a?){40}b']]] };
    const { subscriptionId } = subscriptions.add({ query: costly, interval: 1_000 }, target);
    const publishing = subscriptions.publish(subscriptionId);
    await taken();
    const last = store.find({ agentName: '', objectName: 'n19', agentEpoch: 0 })!;
    store.update(last, new Map([['count', int32(2)]]));
    store.remove(store.find({ agentName: '', objectName: 'n18', agentEpoch: 0 })!);
    await publishing;
    await taken();
    const counts = (envelope: Envelope) =>
      envelope.body.form === 'value'
        ? (envelope.body.value as readonly Value[]).map(item =>
            integerOf(mapOf(mapOf(item)?.get('_values'))?.get('count')),
          )
        : [];
    expect(sent.flatMap(counts)).to.deep.equal([undefined, ...Array.from({ length: 20 }, () => 1)]);
    sent.length = 0;
    await subscriptions.publish(subscriptionId);
    await taken();
    expect(sent.flatMap(counts), 'the changes come next, the deletion with the last state').to.deep.equal([
      2, 1,
    ]);
    store.update(last, new Map([['count', int32(3)]]));
    sent.length = 0;
    const stopped = subscriptions.publish(subscriptionId);
    closing.abort();
    await stopped;
    expect(sent).to.deep.equal([]);
  });
});

const opcodesOf = (sent: readonly Envelope[]) => sent.map(({ headers }) => textOf(headers.get('qmf.opcode')));
