import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { decodeList } from '../codec/amqp010.js';
import type { Schema } from '../schema/schema.js';
import { decodeSchemaResponseV1, encodeSchemaRequestV1 } from '../schema/v1.js';
import { schemaFromValue } from '../schema/wire.js';
import { onEachBroker, type TestBroker } from '../testing/brokers.test.fixture.js';
import { Gadget, WidgetResized } from '../testing/widgets.test.fixture.js';
import { mapOf } from '../value/text.js';
import { int32, uint32, Uuid, type Value } from '../value/value.js';
import {
  AgentBench,
  bodyList,
  classId,
  dataMap,
  exceptionIn,
  methodBody,
  object,
  opcodeOf,
  requestHeaders,
  value,
} from './agent.test.fixture.js';

/** QMFv1 tells of properties that they are optional, not of arguments. */
const withoutOptionalArguments = (schema: Schema): Schema => ({
  ...schema,
  methods: schema.methods.map(method => ({
    ...method,
    arguments: method.arguments.map(argument => ({ ...argument, optional: false })),
  })),
});

onEachBroker('querying an agent', start => {
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

  const id = (entries: Readonly<Record<string, Value>>) =>
    object({ _what: 'OBJECT', _object_id: object(entries) });
  const byClass = (packageName: string, className: string, more: Readonly<Record<string, Value>> = {}) =>
    object({ _what: 'OBJECT', _schema_id: classId(packageName, className), ...more });
  const names = async (query: ReturnType<typeof object>) => {
    const answer = await bench.query(query);
    expect(opcodeOf(answer), exceptionIn(answer).text).to.equal('_query_response');
    expect(answer.contentType).to.equal('amqp/list');
    expect(answer.applicationProperties?.has('partial'), '§9.18').to.equal(false);
    return bodyList(answer).map(item => mapOf(item.get('_object_id'))?.get('_object_name'));
  };

  it('by id: name alone, with the agent, with a stale epoch; nothing for others (§4.1)', async () => {
    expect(await names(id({ _object_name: 'g1' }))).to.deep.equal(['g1']);
    expect(await names(id({ _object_name: Buffer.from('g1'), _agent_name: '' }))).to.deep.equal(['g1']);
    expect(
      await names(id({ _object_name: 'g1', _agent_name: bench.agent.name, _agent_epoch: uint32(99) })),
    ).to.deep.equal(['g1']);
    expect(await names(id({ _object_name: 'g1', _agent_name: 'a:b:c' }))).to.deep.equal([]);
    expect(await names(id({ _object_name: 'g2' }))).to.deep.equal([]);
  });

  it('§9.16 by class, where an empty package or class is any', async () => {
    expect(await names(byClass('com.example', 'Gadget'))).to.deep.equal(['g1']);
    expect(await names(byClass('', 'Gadget'))).to.deep.equal(['g1']);
    expect(await names(byClass('com.example', ''))).to.deep.equal(['g1']);
    expect(await names(byClass('com.example', 'Other'))).to.deep.equal([]);
    expect(await names(byClass('com.other', 'Gadget'))).to.deep.equal([]);
    expect(
      await names(
        object({ _what: Buffer.from('OBJECT'), _schema_id: object({ _class_name: Buffer.from('Gadget') }) }),
      ),
    ).to.deep.equal(['g1']);
  });

  it('by predicate, with a class or alone', async () => {
    const where = (count: number): Value => ['eq', 'count', ['quote', int32(count)]];
    expect(await names(byClass('', 'Gadget', { _where: where(3) }))).to.deep.equal(['g1']);
    expect(await names(byClass('', 'Gadget', { _where: where(4) }))).to.deep.equal([]);
    expect(await names(object({ _what: 'OBJECT', _where: where(3) }))).to.deep.equal(['g1']);
    expect(await names(byClass('', 'Gadget', { _where: [] }))).to.deep.equal(['g1']);
  });

  it('gives items with everything that consoles need (§4.3, §8)', async () => {
    const [item] = bodyList(await bench.query(byClass('', 'Gadget')));
    expect([...item!.keys()]).to.have.members([
      '_object_id',
      '_schema_id',
      '_values',
      '_create_ts',
      '_update_ts',
      '_delete_ts',
    ]);
    expect(mapOf(item!.get('_object_id'))).to.deep.equal(
      object({ _agent_name: bench.agent.name, _object_name: 'g1', _agent_epoch: uint32(1) }),
    );
    expect(mapOf(item!.get('_schema_id'))!.get('_hash'), '§9.5').to.be.instanceOf(Uuid);
    expect(mapOf(item!.get('_values'))).to.deep.equal(object({ name: 'left', count: int32(3) }));
  });

  it('OBJECT_ID gives the ids', async () => {
    const answer = await bench.query(object({ _what: 'OBJECT_ID', _schema_id: classId('', 'Gadget') }));
    expect(answer.applicationProperties?.get('qmf.content')).to.equal('_object_id');
    expect(bodyList(answer).map(item => item.get('_object_name'))).to.deep.equal(['g1']);
  });

  it('SCHEMA_ID gives all classes, SCHEMA one by its hash', async () => {
    bench.agent.register(WidgetResized);
    const ids = await bench.query(object({ _what: 'SCHEMA_ID' }));
    expect(ids.applicationProperties?.get('qmf.content')).to.equal('_schema_id');
    expect(bodyList(ids).map(item => [item.get('_class_name'), item.get('_type')])).to.deep.equal([
      ['Gadget', '_data'],
      ['WidgetResized', '_event'],
    ]);
    const schema = async (hash: Value | undefined, className = 'Gadget') => {
      const wanted = new Map([
        ...classId('com.example', className),
        ...(hash === undefined ? [] : [['_hash', hash] as const]),
      ]);
      const answer = await bench.query(object({ _what: 'SCHEMA', _schema_id: wanted }));
      expect(answer.applicationProperties?.get('qmf.content')).to.equal('_schema');
      return bodyList(answer);
    };
    const found = await schema(Gadget.schema.id.hash);
    expect(schemaFromValue(found[0]!)).to.deep.equal({ ...Gadget.schema, methods: Gadget.schema.methods });
    expect(await schema(new Uuid(Buffer.alloc(16, 1)))).to.deep.equal([]);
    expect(await schema(undefined)).to.have.length(1);
    expect(await schema(Gadget.schema.id.hash, 'Other')).to.deep.equal([]);
  });

  const wrong: readonly (readonly [string, ReturnType<typeof object>, RegExp])[] = [
    ['nothing to select by', object({ _what: 'OBJECT' }), /Query is Invalid: give/],
    ['no _what', object({}), /_what is missing/],
    ['an unknown _what', object({ _what: 'EVERYTHING' }), /_what is 'EVERYTHING'/],
    ['SCHEMA without id', object({ _what: 'SCHEMA' }), /SCHEMA needs a _schema_id/],
    ['an id without a name', object({ _what: 'OBJECT', _object_id: object({}) }), /_object_name/],
    ['a class id that is text', object({ _what: 'OBJECT', _schema_id: 'Gadget' }), /_schema_id/],
    [
      'a hash as text',
      object({ _what: 'SCHEMA', _schema_id: object({ _hash: 'x' }) }),
      /_hash must be a uuid/,
    ],
    ['a predicate that is text', object({ _what: 'OBJECT', _where: 'x' }), /_where must be a list/],
    [
      'a malformed predicate, although no object is looked at',
      byClass('no', 'Class', { _where: ['like', 'a', 'b'] }),
      /operator|like/,
    ],
  ];
  for (const [what, query, text] of wrong) {
    it(`§9.15 answers ${what} with an exception that says so`, async () => {
      const exception = exceptionIn(await bench.query(query));
      expect(exception.text).to.match(text);
      expect(exception.code).to.equal(4);
      expect(await names(byClass('', 'Gadget')), 'the next query works').to.deep.equal(['g1']);
    });
  }

  it('ends a query that costs too much with an exception, and answers calls meanwhile', async () => {
    const methods = {
      echo: (inputs: { text: string }) => inputs,
      fail: () => ({}),
      hang: () => ({}),
      start: () => ({ handle: {} }),
    };
    for (let count = 0; count < 10; count++)
      bench.agent.publish(Gadget, { name: `n${count}`, values: { name: 'x'.repeat(4_096), count }, methods });
    const term: Value = ['re_match', 'name', ['quote', '(x+x+)+y']];
    const worst = byClass('', 'Gadget', { _where: ['or', ...Array.from({ length: 120 }, () => term)] });
    bench.send('_query_request', value(worst), { correlationId: 'worst' });
    bench.send('_method_request', value(methodBody(bench.agent.name, 'echo', object({ text: 'hi' }))), {
      correlationId: 'call',
    });
    expect((await bench.inbox.next()).correlationId, 'the call is answered first').to.equal('call');
    const exception = exceptionIn(await bench.inbox.next());
    expect(exception.text).to.match(/^the query takes more than 20000000 steps; ask for one object or class/);
    expect(exception.code).to.equal(4);
    const patterns = byClass('', 'Gadget', { _where: ['or', ...Array.from({ length: 129 }, () => term)] });
    expect(exceptionIn(await bench.query(patterns)).text).to.match(
      /Predicate too large .* at most 128 patterns/,
    );
    const locate = await bench.ask(
      '_agent_locate_request',
      value(['re_match', '_vendor', ['quote', '(?=x)']]),
    );
    expect(exceptionIn(locate).text).to.match(/look-ahead \(\?=…\) is not supported/);
  });

  it('§9.18 sends 1000 objects in parts, all but the last marked', async () => {
    const methods = {
      echo: (inputs: { text: string }) => inputs,
      fail: () => ({}),
      hang: () => ({}),
      start: () => ({ handle: {} }),
    };
    for (let count = 0; count < 999; count++) {
      bench.agent.publish(Gadget, { name: `n${count}`, values: { name: `n${count}`, count }, methods });
    }
    bench.send('_query_request', value(byClass('', 'Gadget')), { correlationId: 'many' });
    const seen: Value[] = [];
    let parts = 0;
    for (;;) {
      const part = await bench.inbox.answerTo('many');
      parts++;
      seen.push(...bodyList(part).map(item => mapOf(item.get('_object_id'))!.get('_object_name')!));
      if (part.applicationProperties?.has('partial') !== true) break;
      expect(part.applicationProperties.get('partial')).to.equal(null);
    }
    expect(parts).to.be.within(5, 50);
    expect(seen).to.have.length(1_000);
    expect(new Set(seen).size).to.equal(1_000);
    expect(bench.inbox.messages).to.deep.equal([]);
  });

  it('cuts parts by size too', async () => {
    const methods = {
      echo: (inputs: { text: string }) => inputs,
      fail: () => ({}),
      hang: () => ({}),
      start: () => ({ handle: {} }),
    };
    for (let count = 0; count < 4; count++) {
      bench.agent.publish(Gadget, {
        name: `b${count}`,
        values: { name: 'b', count, big: 'x'.repeat(150_000) },
        methods,
      });
    }
    bench.send('_query_request', value(byClass('', 'Gadget')), { correlationId: 'big' });
    const sizes: number[] = [];
    for (;;) {
      const part = await bench.inbox.answerTo('big');
      sizes.push(bodyList(part).length);
      for (const item of bodyList(part)) {
        const big = mapOf(item.get('_values'))!.get('big');
        if (big !== undefined) expect(big, '§9.7').to.be.instanceOf(Uint8Array);
      }
      if (part.applicationProperties?.has('partial') !== true) break;
    }
    expect(sizes.reduce((sum, size) => sum + size)).to.equal(5);
    expect(sizes.length).to.be.at.least(4);
  });

  it('§9.14 answers a QMFv1 schema request on amq.direct, by name and hash; an unknown class gets no answer', async () => {
    bench.agent.register(WidgetResized);
    const key = `reply-host.1.${process.pid}`;
    const replies = await bench.console.listen('amq.direct', key);
    const ask = (sequence: number, schemaId: { packageName: string; className: string; hash: Uuid }): void =>
      bench.console.send('qmf.default.direct', {
        subject: bench.agent.name,
        replyTo: `amq.direct/${key}`,
        contentType: 'x-application/qmf',
        body: { form: 'data', bytes: encodeSchemaRequestV1({ sequence, ...schemaId }) },
      });
    ask(1, { ...Gadget.schema.id, hash: new Uuid(Buffer.alloc(16)) });
    ask(2, Gadget.schema.id);
    ask(3, WidgetResized.schema.id);
    for (const [sequence, { schema }] of [
      [2, Gadget],
      [3, WidgetResized],
    ] as const) {
      const answer = await replies.next();
      expect([...answer.applicationProperties!.keys()].filter(name => name !== 'qpid.subject')).to.deep.equal(
        ['qmf.agent'],
      );
      expect(answer.applicationProperties!.get('qmf.agent')).to.equal(bench.agent.name);
      const { body } = answer;
      expect(body.form === 'data' && decodeSchemaResponseV1(body.bytes)).to.deep.equal({
        sequence,
        schema: withoutOptionalArguments(schema),
      });
    }
  });

  it('§2.4 answers in the form of the request', async () => {
    const answer = await bench.ask('_query_request', dataMap(byClass('', 'Gadget')));
    expect(answer.contentType).to.equal('amqp/list');
    expect(answer.body.form === 'data' && decodeList(answer.body.bytes)).to.have.length(1);
    const exception = await bench.ask('_query_request', dataMap(object({})));
    expect(exception.body.form).to.equal('data');
  });

  it('§9.23 answers to a dynamic queue, and as the Python console has it', async () => {
    const queue = await bench.console.dynamicQueue();
    bench.send('_query_request', value(byClass('', 'Gadget')), {
      replyTo: queue.address,
      correlationId: 'q',
    });
    expect((await queue.next()).correlationId).to.equal('q');
    const key = `qmfc-v2-host.1.${process.pid}`;
    const python = await bench.console.listen('qmf.default.direct', key);
    bench.console.send('qmf.default.direct', {
      subject: bench.agent.name,
      replyTo: `qmf.default.direct/${key}`,
      correlationId: '1',
      contentType: 'amqp/map',
      applicationProperties: object({ 'qmf.opcode': '_query_request' }),
      body: value(byClass('', 'Gadget')),
    });
    expect(bodyList(await python.next())).to.have.length(1);
  });

  it('§9.17 echoes correlation ids of every type unchanged', async () => {
    const query = value(object({ _what: 'SCHEMA_ID' }));
    for (const correlationId of ['7', Buffer.from([0, 1, 2, 0xff]), new Uuid(Buffer.alloc(16, 3))]) {
      bench.send('_query_request', query, { correlationId });
      expect((await bench.inbox.next()).correlationId).to.deep.equal(correlationId);
    }
    bench.console.sendPlain('qmf.default.topic', {
      subject: bench.agent.directSubject,
      reply_to: bench.replyTo,
      correlation_id: 12,
      content_type: 'amqp/map',
      application_properties: { 'qmf.opcode': '_query_request' },
      body: { _what: 'SCHEMA_ID' },
    });
    expect((await bench.inbox.next()).correlationId).to.deep.include({ type: 'uint64', value: 12 });
    bench.send('_query_request', query);
    expect((await bench.inbox.next()).correlationId).to.equal(undefined);
  });

  it('drops requests without a place to answer to, and goes on', async () => {
    const query = value(byClass('', 'Gadget'));
    bench.console.send('qmf.default.topic', {
      subject: bench.agent.directSubject,
      applicationProperties: requestHeaders('_query_request'),
      body: query,
    });
    bench.send('_query_request', query, { replyTo: '' });
    bench.send('_query_request', query, { replyTo: '/' });
    bench.send('_query_request', query, { replyTo: 'no-such-queue' });
    bench.send('_query_request', query, { replyTo: 'no.such.exchange/key' });
    bench.send('_query_request', query, { replyTo: 'qmf.default.topic/nobody-listens' });
    expect(await names(byClass('', 'Gadget'))).to.deep.equal(['g1']);
  });
});
