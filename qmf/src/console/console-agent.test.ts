import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { startBroker } from '../broker/index.js';
import { encodeMap } from '../codec/amqp010.js';
import type { BareMessage } from '../codec/amqp10-message.js';
import { onEachBroker } from '../testing/brokers.test.fixture.js';
import { failure, until } from '../testing/poll.test.fixture.js';
import { opcodeIn } from '../testing/raw-peer.test.fixture.js';
import { Gadget } from '../testing/widgets.test.fixture.js';
import { mapOf, textOf } from '../value/text.js';
import { double, int32, int64, uint32, Uuid, type Value } from '../value/value.js';
import type { ConsoleAgent } from './console-agent.js';
import { ConsoleBench, object, ScriptedAgent } from './console.test.fixture.js';

onEachBroker('a console asks an agent', start => {
  let bench: ConsoleBench;
  let agent: ScriptedAgent;
  let known: ConsoleAgent;
  beforeEach(async () => {
    ({ bench, agent, known } = await ConsoleBench.knowingAgent(start));
  });
  afterEach(() => bench.close());

  const data = { 'qmf.content': '_data' };
  const bodyOf = (message: BareMessage | undefined) =>
    message?.body.form === 'value' ? mapOf(message.body.value) : undefined;
  const last = (opcode: string) =>
    agent.requests.findLast(message => message.applicationProperties?.get('qmf.opcode') === opcode);

  it('by text, class, address or wire query, with all that C++ agents need (§3.3)', async () => {
    const [found] = await known.query("{class:Gadget, package:'com.example', where:[eq, name, [quote, g1]]}");
    expect(found).to.deep.include({
      values: { name: 'g1', count: 1 },
      address: { agentName: agent.name, objectName: 'g1', agentEpoch: 1 },
    });
    const request = last('_query_request');
    expect(request).to.include({ contentType: 'amqp/map', subject: `direct-agent.route.${agent.route}` });
    expect(request?.correlationId, '§9.17').to.match(/^[0-9a-f-]{36}$/);
    expect(request?.applicationProperties?.get('x-amqp-0-10.app-id'), '§9.1').to.equal('qmf2');
    expect(bodyOf(request)).to.deep.equal(
      object({
        _what: 'OBJECT',
        _schema_id: object({ _package_name: 'com.example', _class_name: 'Gadget', _type: '_data' }),
        _where: ['eq', 'name', ['quote', 'g1']],
      }),
    );
    await known.query({ className: 'Gadget' });
    expect(bodyOf(last('_query_request'))).to.deep.equal(
      object({
        _what: 'OBJECT',
        _schema_id: object({ _package_name: '', _class_name: 'Gadget', _type: '_data' }),
      }),
    );
    await known.query({ address: found!.address! });
    expect(bodyOf(last('_query_request'))).to.deep.equal(
      object({
        _what: 'OBJECT',
        _object_id: object({ _agent_name: agent.name, _object_name: 'g1', _agent_epoch: uint32(1) }),
      }),
    );
    expect(await failure(known.query('{class:'))).to.include({ code: 'invalid_query' });
    expect(agent.requests.filter(message => message === last('_query_request'))).to.have.length(1);
  });

  it('§9.18 puts partial answers together, however partial is said, streaming or not', async () => {
    const parts = (request: BareMessage): void => {
      agent.answer(request, '_query_response', [agent.gadget('a'), agent.gadget('b')], {
        ...data,
        partial: null,
      });
      agent.answer(request, '_query_response', [agent.gadget('c')], { ...data, partial: '' });
      agent.answer(request, '_query_response', [], data);
    };
    agent.scripts.set('_query_request', parts);
    expect((await known.query('{class:Gadget}')).map(({ values }) => values['name'])).to.deep.equal([
      'a',
      'b',
      'c',
    ]);
    const streamed: unknown[] = [];
    for await (const { values } of known.queryStream('{class:Gadget}')) streamed.push(values['name']);
    expect(streamed).to.deep.equal(['a', 'b', 'c']);
  });

  it('streams what is there before the rest comes; leaving the loop gives the request up', async () => {
    agent.scripts.set('_query_request', request =>
      agent.answer(request, '_query_response', [agent.gadget('a')], { ...data, partial: null }),
    );
    for await (const { values } of known.queryStream('{class:Gadget}')) {
      expect(values['name']).to.equal('a');
      break;
    }
    const stream = known.queryStream('{class:Gadget}', { timeout: 3_000 });
    expect((await stream.next()).done).to.equal(false);
    expect(await failure(stream.next())).to.include({ code: 'timeout' });
  });

  it('takes answers as data sections and sequences (§9.11, §9.26), with binary ids (§9.17)', async () => {
    agent.scripts.set('_query_request', request =>
      agent.answer(request, '_query_response', { form: 'sequence', list: [agent.gadget('s')] }, data),
    );
    expect((await known.query('{class:Gadget}'))[0]?.values['name']).to.equal('s');
    agent.scripts.set('_method_request', request =>
      agent.answer(
        { ...request, correlationId: Buffer.from(String(request.correlationId)) },
        '_method_response',
        {
          form: 'data',
          bytes: encodeMap(object({ _arguments: object({ handle: object({ a: int32(1) }) }) })),
        },
      ),
    );
    const [gadget] = await known.objects(Gadget);
    expect(await gadget!.call('start', {})).to.deep.equal({ handle: { a: 1 } });
  });

  it('takes an exception for what it is, with text and code', async () => {
    for (const opcode of ['_query_request', '_method_request']) {
      agent.scripts.set(opcode, request =>
        agent.answer(
          request,
          '_exception',
          object({ _values: object({ error_text: Buffer.from('not today'), error_code: uint32(70_000) }) }),
        ),
      );
    }
    expect(await failure(known.query('{class:Gadget}'))).to.include({
      code: 'agent_exception',
      agentText: 'not today',
      agentCode: 70_000,
    });
    const call = known.invoke(
      { agentName: agent.name, objectName: 'g1', agentEpoch: 1 },
      'x',
      undefined,
      {},
      {},
    );
    expect(await failure(call)).to.include({ code: 'agent_exception' });
  });

  const odd: readonly (readonly [string, string, Value])[] = [
    ['of another opcode', '_method_response', object({ _arguments: object({}) })],
    ['that is a map', '_query_response', object({})],
    ['whose items are no maps', '_query_response', [int32(1)]],
    [
      'whose hash is text',
      '_query_response',
      [object({ _values: object({}), _schema_id: object({ _hash: 'x' }) })],
    ],
    ['that is an exception without a map', '_exception', []],
  ];
  for (const [what, opcode, body] of odd) {
    it(`fails for an answer ${what}, and the next request works`, async () => {
      agent.scripts.set('_query_request', request => agent.answer(request, opcode, body, data));
      expect(await failure(known.query('{class:Gadget}'))).to.include({ code: 'malformed_message' });
      agent.behave();
      expect(await known.query('{class:Gadget}')).to.have.length(1);
    });
  }

  it('meets its deadline, ignores the late answer, and answers out of order find their requests', async () => {
    const held: BareMessage[] = [];
    agent.scripts.set('_query_request', request => held.push(request));
    expect(await failure(known.query('{class:Gadget}', { timeout: 20 }))).to.include({
      code: 'timeout',
      retryable: true,
    });
    await until('it arrived', () => held.length === 1);
    agent.answer(held[0]!, '_query_response', [agent.gadget('late')], data);
    const both = [known.query('{class:A}'), known.query('{class:B}')];
    await until('both arrived', () => held.length === 3);
    for (const request of held.slice(1).reverse()) {
      agent.answer(
        request,
        '_query_response',
        [agent.gadget(textOf(mapOf(bodyOf(request)!.get('_schema_id'))!.get('_class_name'))!)],
        data,
      );
    }
    expect((await Promise.all(both)).map(([item]) => item?.values['name'])).to.deep.equal(['A', 'B']);
  });

  it('stops at an AbortSignal, before it sends and while it waits', async () => {
    agent.scripts.clear();
    const queries = () => agent.requests.filter(message => opcodeIn(message) === '_query_request').length;
    const before = queries();
    expect(await failure(known.query('{class:Gadget}', { signal: AbortSignal.abort() }))).to.include({
      code: 'aborted',
    });
    const abort = new AbortController();
    const waiting = failure(known.query('{class:Gadget}', { signal: abort.signal }));
    await until('it was sent', () => queries() > before);
    abort.abort();
    expect(await waiting).to.include({ code: 'aborted', retryable: false });
    expect(queries()).to.equal(before + 1);
  });

  it('fails at once for what cannot be encoded, and when the session is closed', async () => {
    const address = { agentName: agent.name, objectName: 'g1', agentEpoch: 1 };
    const tooLong = known.invoke(address, 'm', undefined, { ['k'.repeat(300)]: 1 }, {});
    expect(await failure(tooLong), '§9.29').to.include({ code: 'not_encodable' });
    bench.session.close();
    expect(await failure(known.query('{class:Gadget}'))).to.include({ code: 'closed' });
    expect(await failure(known.schema({ ...Gadget.schema.id, hash: new Uuid(Buffer.alloc(16)) }))).to.include(
      { code: 'closed' },
    );
  });

  it('§9.19 encodes arguments by the schema, which it fetches once however many ask', async () => {
    agent.scripts.set('_method_request', request =>
      agent.answer(
        request,
        '_method_response',
        object({
          _arguments: object({
            text: Buffer.from('x'),
            number: int64(5),
            id: new Uuid(Buffer.alloc(16)),
            ['__proto__']: object({ polluted: true }),
          }),
        }),
      ),
    );
    const [found] = await known.query('{class:Gadget}');
    const id = '01020304-0506-0708-090a-0b0c0d0e0f10';
    const calls = Array.from({ length: 10 }, () =>
      known.call(found!, 'echo', { text: 'x', ratio: 3, number: 5, id }),
    );
    const [result] = await Promise.all(calls);
    expect(result).to.deep.include({ text: 'x', number: 5 });
    expect(Object.getPrototypeOf(result)).to.equal(Object.prototype);
    expect(mapOf(bodyOf(last('_method_request'))!.get('_arguments'))).to.deep.equal(
      object({ text: 'x', ratio: double(3), number: int32(5), id: Uuid.parse(id) }),
    );
    const schemaRequests = agent.requests.filter(message => bodyOf(message)?.get('_what') === 'SCHEMA');
    expect(schemaRequests).to.have.length(1);
    expect(await failure(known.call(found!, 'grow', {}))).to.include({ code: 'schema_unknown' });
    expect((await failure(known.call(found!, 'echo', { colour: 1 }))).message).to.match(
      /no argument colour; it takes text, number/,
    );
    expect((await failure(known.call(found!, 'echo', { number: 'many' }))).message).to.match(
      /argument number: a string was given, INT is expected/,
    );
  });

  it('one caller that gives up does not take the schema from the others', async () => {
    const held: BareMessage[] = [];
    agent.scripts.set('_query_request', request => held.push(request));
    const abort = new AbortController();
    const first = failure(known.schema(Gadget.schema.id, { signal: abort.signal }));
    const short = failure(known.schema(Gadget.schema.id, { timeout: 10 }));
    const second = known.schema(Gadget.schema.id);
    abort.abort();
    expect(await first).to.include({ code: 'aborted' });
    expect(await short).to.include({ code: 'timeout' });
    await until('it arrived', () => held.length === 1);
    agent.behave().scripts.get('_query_request')?.(held[0]!, agent);
    expect(await second).to.deep.equal(Gadget.schema);
    expect(held).to.have.length(1);
  });

  it('a class that the agent does not have is schema_unknown, and asked for again', async () => {
    agent.scripts.set('_query_request', request =>
      agent.answer(request, '_query_response', [], { 'qmf.content': '_schema' }),
    );
    expect(await failure(known.schema(Gadget.schema.id))).to.include({ code: 'schema_unknown' });
    agent.behave();
    expect(await known.schema(Gadget.schema.id)).to.deep.equal(Gadget.schema);
  });

  it('§9.21 asks agents without the capability by QMFv1', async () => {
    const old = (await ScriptedAgent.start(bench.peer, 'old')).behave();
    old.attributes = { 'qmf.agent_capability': undefined };
    old.heartbeat();
    const found = await bench.session.findAgent(({ name }) => name === old.name);
    expect(found.info.capability).to.equal(0);
    const schema = await found.schema(Gadget.schema.id);
    expect(schema.id.hash.equals(Gadget.schema.id.hash)).to.equal(true);
    expect(schema.methods.map(({ name }) => name)).to.deep.equal(['echo', 'fail', 'hang', 'start']);
    const unknown = found.schema({ ...Gadget.schema.id, className: 'Other' });
    expect(await failure(unknown)).to.include({ code: 'schema_unknown' });
    expect(await failure(found.schema({ packageName: 'p', className: 'c', kind: '_data' }))).to.include({
      code: 'schema_unknown',
    });
  });

  it('typed objects: values, refresh, and an object that is gone', async () => {
    const [gadget] = await known.objects(Gadget);
    expect(gadget!.values).to.deep.equal({ name: 'g1', count: 1 });
    agent.scripts.set('_query_request', request =>
      agent.answer(request, '_query_response', [agent.gadget('g1', 2)], data),
    );
    expect((await gadget!.refresh()).count).to.equal(2);
    agent.scripts.set('_query_request', request => agent.answer(request, '_query_response', [], data));
    expect(await failure(gadget!.refresh())).to.include({ code: 'schema_unknown' });
  });

  it('subscribes, reads publications, refreshes, and cancels when the loop is left', async () => {
    agent.scripts.set('_subscribe_request', request => {
      agent.answer(request, '_data_indication', [agent.gadget('early')], data);
      agent.answer(
        request,
        '_subscribe_response',
        object({ _subscription_id: Buffer.from('s1'), _duration: int64(60), _interval: int64(1_000) }),
      );
      agent.answer(request, '_data_indication', [agent.gadget('a'), agent.gadget('b')], data);
    });
    const subscription = await known.subscribe({ className: 'Gadget' }, { interval: 1_000, duration: 60 });
    expect(subscription.granted).to.deep.equal({ subscriptionId: 's1', interval: 1_000, duration: 60 });
    const names: unknown[] = [];
    for await (const { values } of subscription) {
      names.push(values['name']);
      if (names.length === 3) break;
    }
    expect(names).to.deep.equal(['early', 'a', 'b']);
    await until('it was cancelled', () => last('_subscribe_cancel_indication'));
    expect(bodyOf(last('_subscribe_cancel_indication'))?.get('_subscription_id')).to.equal('s1');
    await subscription.refresh();
    await until('it was refreshed', () => last('_subscribe_refresh_indication'));
  });

  it('a subscription refused, or asked of an agent that knows none, fails', async () => {
    agent.scripts.set('_subscribe_request', request =>
      agent.answer(request, '_exception', object({ _values: object({ error_text: 'no' }) })),
    );
    expect(await failure(known.subscribe('{class:Gadget}'))).to.include({ code: 'agent_exception' });
    agent.scripts.set('_subscribe_request', request =>
      agent.answer(request, '_subscribe_response', object({ error_text: 'full' })),
    );
    expect(await failure(known.subscribe('{class:Gadget}'))).to.include({
      code: 'agent_exception',
      agentText: 'full',
    });
    agent.scripts.delete('_subscribe_request');
    expect(await failure(known.subscribe('{class:Gadget}', { timeout: 20 }))).to.include({ code: 'timeout' });
    expect(await failure(known.subscribe('{class:Gadget}', { signal: AbortSignal.abort() }))).to.include({
      code: 'aborted',
    });
  });
});

describe('a console whose connection breaks', () => {
  it('fails what was under way, then works again', async () => {
    const { broker, bench, agent, known } = await ConsoleBench.knowingAgent(startBroker);
    agent.scripts.set('_query_request', () => broker.dropConnections());
    expect(await failure(known.query('{class:Gadget}'))).to.include({
      code: 'connection_lost',
      retryable: true,
    });
    await bench.connection.ready();
    const second = await ConsoleBench.start(broker);
    const again = await second.peer.listen('qmf.default.topic', `direct-agent.route.${agent.route}`);
    const answered = known.query('{class:Gadget}');
    const request = await again.next();
    const [node, subject] = (request.replyTo ?? '').split('/');
    second.peer.send(node!, {
      subject: subject!,
      correlationId: request.correlationId!,
      applicationProperties: agent.headers('_query_response', { 'qmf.content': '_data' }),
      body: { form: 'value', value: [agent.gadget('again')] },
    });
    expect((await answered)[0]?.values['name']).to.equal('again');
    await second.close();
    await bench.close();
  });

  it('fails at once while the broker is away', async () => {
    const { broker, bench, known } = await ConsoleBench.knowingAgent(startBroker);
    await broker.stop();
    await until('it noticed', () => bench.connection.state !== 'open');
    expect(await failure(known.query('{class:Gadget}'))).to.include({ code: 'connection_lost' });
    await bench.close();
  });
});
