import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { onEachBroker, type TestBroker } from '../testing/brokers.test.fixture.js';
import { until } from '../testing/poll.test.fixture.js';
import { opcodeIn, RawPeer } from '../testing/raw-peer.test.fixture.js';
import { defineData } from '../schema/index.js';
import { startBroker } from '../broker/index.js';
import { AgentException, exceptionCodes } from '../message/exception.js';
import { Gadget, WidgetResized } from '../testing/widgets.test.fixture.js';
import { mapOf, textOf } from '../value/text.js';
import { double, int32, Int, Uuid, type Value, type ValueMap } from '../value/value.js';
import {
  AgentBench,
  bodyList,
  bodyMap,
  dataMap,
  exceptionIn,
  methodBody,
  object,
  opcodeOf,
  requestHeaders,
  value,
} from './agent.test.fixture.js';
import type { BareMessage } from '../codec/amqp10-message.js';
import { wireHandler } from './managed-object.js';

onEachBroker('calling methods of an agent', start => {
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

  const outputs = (answer: BareMessage) => {
    expect(opcodeOf(answer), exceptionIn(answer).text).to.equal('_method_response');
    return mapOf(bodyMap(answer).get('_arguments'))!;
  };
  const good = object({ text: 'hi' });

  it('gives results by their declared types (§3.6, §9.19)', async () => {
    const id = new Uuid(Buffer.alloc(16, 5));
    const answer = await bench.call(
      'echo',
      object({
        text: Buffer.from('hällo'),
        number: new Int('uint8', 7),
        ratio: double(3),
        flag: false,
        id,
        table: object({ a: int32(1) }),
        items: ['x'],
      }),
    );
    expect(answer.contentType).to.equal('amqp/map');
    expect([...answer.applicationProperties!.keys()].filter(name => name !== 'qpid.subject')).to.have.members(
      ['x-amqp-0-10.app-id', 'method', 'qmf.opcode', 'qmf.agent'],
    );
    expect(outputs(answer)).to.deep.equal(
      object({
        text: 'hällo',
        number: int32(7),
        ratio: double(3),
        flag: false,
        id,
        table: object({ a: int32(1) }),
        items: ['x'],
      }),
    );
  });

  it('takes null and absence of what may be missing for not given (§8)', async () => {
    expect(outputs(await bench.call('echo', object({ text: 'a', number: null, ratio: null })))).to.deep.equal(
      object({ text: 'a' }),
    );
    expect(outputs(await bench.call('echo', good))).to.deep.equal(good);
  });

  const wrong: readonly (readonly [string, string, ReturnType<typeof object>, RegExp, number])[] = [
    ['a missing argument', 'echo', object({}), /^Invalid argument: text \(it is missing; STRING/, 4],
    ['null for one that must be given', 'echo', object({ text: null }), /^Invalid argument: text/, 4],
    [
      'an extra argument',
      'echo',
      object({ text: '', colour: 'red' }),
      /^Invalid argument: colour \(echo takes text, number/,
      4,
    ],
    ['an extra argument where none is taken', 'hang', object({ x: null }), /hang takes no arguments/, 4],
    ['an integer for text', 'echo', object({ text: int32(1) }), /^Invalid argument: text \(STRING/, 4],
    [
      'an integer for a FLOAT (§9.19)',
      'echo',
      object({ text: '', ratio: int32(1) }),
      /^Invalid argument: ratio \(FLOAT/,
      4,
    ],
    [
      'a double for an INT (§9.19)',
      'echo',
      object({ text: '', number: double(1) }),
      /^Invalid argument: number \(INT/,
      4,
    ],
    [
      'text for a UUID (§9.19)',
      'echo',
      object({ text: '', id: '00000000-0000-0000-0000-000000000000' }),
      /^Invalid argument: id \(UUID/,
      4,
    ],
    ['a list for a MAP', 'echo', object({ text: '', table: [] }), /^Invalid argument: table \(MAP/, 4],
    [
      'a map for a LIST',
      'echo',
      object({ text: '', items: object({}) }),
      /^Invalid argument: items \(LIST/,
      4,
    ],
    ['text for a BOOL', 'echo', object({ text: '', flag: 'true' }), /^Invalid argument: flag \(BOOL/, 4],
    [
      'bytes that are no UTF-8 for text',
      'echo',
      object({ text: Buffer.from([0xff]) }),
      /^Invalid argument: text/,
      4,
    ],
    ['an output as input', 'start', object({ handle: object({}) }), /^Invalid argument: handle/, 4],
    ['an unknown method', 'grow', good, /^Unknown method: grow \(Gadget has echo, fail, hang, start\)/, 2],
    ['a method named like a built-in', 'toString', good, /^Unknown method: toString/, 2],
    ['a handler that throws what it should', 'fail', object({ how: 'agent' }), /^told to$/, 70_000],
    ['a handler that throws', 'fail', object({ how: 'thrown' }), /^thrown$/, 7],
    ['a handler that rejects', 'fail', object({ how: 'reject' }), /^rejected$/, 7],
    ['a handler that throws without a text', 'fail', object({ how: '' }), /without a reason/, 7],
    ['a handler that throws what is no error', 'fail', object({ how: 'string' }), /without a reason/, 7],
  ];
  for (const [what, method, args, text, code] of wrong) {
    it(`answers ${what} with an exception, and the next call works`, async () => {
      const answer = await bench.call(method, args);
      expect(exceptionIn(answer).text).to.match(text);
      expect(exceptionIn(answer).code).to.equal(code);
      expect(answer.applicationProperties?.get('qmf.content')).to.equal('_data');
      outputs(await bench.call('echo', good));
    });
  }

  const requests: readonly (readonly [string, () => ReturnType<typeof object>, RegExp, number])[] = [
    [
      'an unknown object',
      () => methodBody(bench.agent.name, 'echo', good, 'nowhere'),
      /^No data object found with the specified address: nowhere/,
      1,
    ],
    ["another agent's object", () => methodBody('a:b:c', 'echo', good), /^No data object found/, 1],
    ['no object', () => object({ _method_name: 'echo', _arguments: good }), /no methods of its own/, 3],
    ['no method name', () => object({ _object_id: object({ _object_name: 'g1' }) }), /_method_name/, 4],
    ['a method name that is a number', () => object({ _method_name: int32(1) }), /_method_name/, 4],
    [
      'arguments that are a list',
      () => object({ _object_id: object({ _object_name: 'g1' }), _method_name: 'echo', _arguments: ['x'] }),
      /_arguments/,
      4,
    ],
    ['an object id that is text', () => object({ _object_id: 'g1', _method_name: 'echo' }), /_object_id/, 4],
  ];
  for (const [what, body, text, code] of requests) {
    it(`answers ${what} with an exception`, async () => {
      const exception = exceptionIn(await bench.ask('_method_request', value(body())));
      expect(exception.text).to.match(text);
      expect(exception.code).to.equal(code);
    });
  }

  it('answers requests it does not know, and not what is no request', async () => {
    expect(exceptionIn(await bench.ask('_dance_request', value(object({}))))).to.deep.equal({
      text: '_dance_request: this agent does not know that request',
      code: 5,
    });
    for (const opcode of ['_method_response', '_exception', '_agent_heartbeat_indication', ''])
      bench.send(opcode, value(object({})));
    outputs(await bench.call('echo', good));
    expect(bench.inbox.messages).to.deep.equal([]);
  });

  it('goes on while a handler never answers', async () => {
    bench.send('_method_request', value(methodBody(bench.agent.name, 'hang', object({}))), {
      correlationId: 'hang',
    });
    outputs(await bench.call('echo', good));
  });

  it('takes and gives a text of 1 MB (§9.7)', async () => {
    const text = 'ä'.repeat(500_000);
    const echoed = outputs(await bench.call('echo', object({ text }))).get('text');
    expect(echoed).to.be.instanceOf(Uint8Array);
    expect(textOf(echoed)).to.equal(text);
  });

  it('answers with an exception where the result cannot be sent, in either form (§9.29)', async () => {
    const args = object({ text: '', table: object({ ['k'.repeat(256)]: int32(1) }) });
    const answer = await bench.call('echo', args);
    expect(exceptionIn(answer).text).to.match(/The answer cannot be sent: the map key 'kkk/);
    outputs(await bench.call('echo', good));
  });

  it('refuses results that are no results, as a fault of its own', async () => {
    const answer = await bench.call('fail', object({ how: 'result' }));
    expect(exceptionIn(answer)).to.deep.equal({ text: 'fail gave oops, which is no result of it', code: 7 });
    outputs(await bench.call('echo', good));
  });

  it('does what is to follow an answer after it, though the answer takes another way', async () => {
    bench.afterReply.push(
      () => void bench.agent.raise(WidgetResized, { name: 'first', size: 1 }),
      () => {
        throw new Error('a bug of a handler');
      },
      () => void bench.agent.raise(WidgetResized, { name: 'second', size: 2 }),
    );
    const queue = await bench.console.dynamicQueue();
    const events = await bench.console.listen('qmf.default.topic', 'agent.ind.event.#');
    let answeredAt = 0;
    const order: string[] = [];
    bench.send('_method_request', value(methodBody(bench.agent.name, 'start', object({}))), {
      replyTo: queue.address,
      correlationId: '1',
    });
    await until('all arrived', () => {
      if (answeredAt === 0 && queue.messages.length > 0) {
        answeredAt = Date.now();
        order.push('answer');
      }
      const mine = events.messages.filter(
        message => textOf(message.applicationProperties?.get('qmf.agent')) === bench.agent.name,
      );
      while (order.filter(item => item === '_data_indication').length < mine.length)
        order.push(opcodeIn(mine[0]!));
      return mine.length === 2 && answeredAt > 0;
    });
    expect(order).to.deep.equal(['answer', '_data_indication', '_data_indication']);
    expect(bench.warnings.join()).to.match(/after answering start: a bug of a handler/);
  });

  it('does what is to follow although the answer leads nowhere', async () => {
    let done = false;
    bench.afterReply.push(() => {
      done = true;
    });
    bench.send('_method_request', value(methodBody(bench.agent.name, 'start', object({}))), {
      replyTo: 'no-such-queue',
    });
    await until('it is done', () => done);
    expect(bench.warnings.join()).to.match(/an answer to no-such-queue was lost/);
  });

  it("tells the handler who called, as the message claims, and of the session's end", async () => {
    outputs(await bench.call('echo', good, { userId: 'anonymous' }));
    outputs(await bench.call('echo', good));
    outputs(await bench.call('echo', good, { userId: '' }));
    expect(bench.calls.map(({ caller }) => caller.userId)).to.deep.equal(['anonymous', undefined, undefined]);
    const [call] = bench.calls;
    expect(call).to.include({ method: 'echo' });
    expect(call?.address).to.deep.equal(bench.gadget.address);
    expect(call?.signal.aborted).to.equal(false);
    bench.agent.close();
    expect(call?.signal.aborted).to.equal(true);
  });

  it('answers with an exception that says the sizes where the answer is larger than the broker takes', async function () {
    if (!('stats' in broker)) this.skip(); // a real one that runs already has its own limit
    await bench.close();
    await broker.stop();
    broker = await startBroker({ maxMessageSize: 20_000 });
    bench = await AgentBench.start(broker);
    bench.gadget.update({ name: 'x'.repeat(30_000) });
    const answer = await bench.query(object({ _what: 'OBJECT', _object_id: object({ _object_name: 'g1' }) }));
    expect(exceptionIn(answer).text).to.match(
      /^The answer cannot be sent: .*its 3\d{4} bytes are more than the 20000 that it takes/,
    );
    outputs(await bench.call('echo', good));
    const raised = bench.agent.raise(WidgetResized, { name: 'x'.repeat(30_000), size: 1 });
    const refused: unknown = await raised.catch((error: unknown) => error);
    expect(refused).to.include({ code: 'message_rejected' });
  });

  it('is not disturbed by texts that are longer than addresses and names can be', async () => {
    const long = 'x'.repeat(60_000);
    // Refused by the broker or by the agent, whoever reads it first; none of them ends the connection of either.
    const connections = bench.connection.statistics.reconnects;
    const forger = await RawPeer.connect(broker.port);
    const body = value(methodBody(bench.agent.name, 'echo', good));
    const about = {
      subject: bench.agent.directSubject,
      contentType: 'amqp/map',
      applicationProperties: requestHeaders('_method_request'),
      body,
    };
    for (const more of [
      { replyTo: `qmf.default.topic/${long}` },
      { replyTo: long },
      { replyTo: bench.replyTo, correlationId: long },
      { replyTo: bench.replyTo, userId: long },
      { replyTo: bench.replyTo, contentType: long },
    ]) {
      forger.send('qmf.default.topic', { ...about, ...more });
    }
    const refused = async (map: ValueMap): Promise<string> =>
      exceptionIn(await bench.ask('_method_request', value(map))).text;
    expect(await refused(methodBody(bench.agent.name, 'echo', good, long))).to.match(
      /^_object_id|_object_name: a text of 60000/,
    );
    expect(await refused(methodBody(bench.agent.name, long, good))).to.match(
      /^_method_name: a text of 60000/,
    );
    expect(outputs(await bench.call('echo', good))).to.deep.equal(good);
    expect(bench.connection.statistics.reconnects).to.equal(connections);
    expect(Math.max(0, ...bench.warnings.map(line => line.length))).to.be.below(1_100);
    await forger.close();
  });

  it('refuses a call by the key of all agents, whatever subject it bears, and answers queries there', async () => {
    const call = value(methodBody(bench.agent.name, 'echo', good));
    for (const subject of ['console.request.agent_locate', 'console.x']) {
      const { code, text } = exceptionIn(await bench.ask('_method_request', call, { subject }));
      expect(code).to.equal(6);
      expect(text).to.match(/^Action Forbidden - methods are called at the own address/);
    }
    expect(bench.calls).to.have.lengthOf(0);
    const query = value(object({ _what: 'SCHEMA_ID' }));
    expect(opcodeOf(await bench.ask('_query_request', query, { subject: 'console.x' }))).to.equal(
      '_query_response',
    );
    expect(outputs(await bench.call('echo', good))).to.deep.equal(good);
  });

  it('answers a call in a data section in a data section (§9.11)', async () => {
    const answer = await bench.ask(
      '_method_request',
      dataMap(methodBody(bench.agent.name, 'echo', object({ text: Buffer.from('x') }))),
    );
    expect(answer.body.form).to.equal('data');
    expect(opcodeOf(answer)).to.equal('_method_response');
  });

  it('survives hostile bodies under every opcode, and answers each that asks (§9.15)', async () => {
    const junk: Value[] = [
      null,
      true,
      int32(1),
      'x',
      [],
      [[]],
      object({}),
      object({ _values: int32(1) }),
      object({ '': null, _object_id: [] }),
      Buffer.from([0xff]),
    ];
    const bodies = [
      ...junk.map(value),
      { form: 'sequence', list: junk } as const,
      { form: 'none' } as const,
      { form: 'data', bytes: Buffer.from('ff'.repeat(40), 'hex') } as const,
      { form: 'data', bytes: Buffer.from('AM2S') } as const,
      { form: 'data', bytes: Buffer.from('AM2S\0\0\0\x01\xff') } as const,
    ];
    for (const opcode of [
      '_agent_locate_request',
      '_query_request',
      '_method_request',
      '_subscribe_request',
    ]) {
      for (const body of bodies) {
        const isLocate = opcode === '_agent_locate_request';
        // A locate request of these bodies is a good one.
        const answer = await bench.ask(opcode, body, { contentType: 'amqp/map' });
        const expected =
          isLocate &&
          (body.form === 'none' ||
            (body.form === 'value' &&
              (body.value === null || (Array.isArray(body.value) && body.value.length === 0))))
            ? '_agent_locate_response'
            : '_exception';
        expect(opcodeOf(answer), `${opcode} ${JSON.stringify(body)}`).to.equal(expected);
      }
    }
    for (const opcode of ['_subscribe_refresh_indication', '_subscribe_cancel_indication']) {
      for (const body of bodies) bench.send(opcode, body);
    }
    bench.send(
      '',
      { form: 'data', bytes: Buffer.from('AM2S\0\0\0\x01\xff') },
      { applicationProperties: object({}) },
    );
    outputs(await bench.call('echo', good));
  });
});

onEachBroker('what an agent may do about its methods', start => {
  let broker: TestBroker;
  beforeEach(async () => {
    broker = await start();
  });
  afterEach(() => broker.stop());

  it('shows an object as a lesser class, and answers for all that it is', async () => {
    const bench = await AgentBench.start(broker);
    const Shown = defineData({
      package: 'com.example',
      name: 'Thing',
      properties: { name: { type: 'string' } },
      methods: {},
    });
    const thing = bench.agent.publish(Gadget, {
      name: 'thing',
      values: { name: 'right', count: 4 },
      shownAs: Shown,
      methods: {
        echo: inputs => inputs,
        fail: () => ({}),
        hang: () => ({}),
        start: () => ({ handle: {} }),
      },
      wireMethods: {
        echo: async (inputs, call) =>
          inputs.has('texts')
            ? new Map([['text', inputs.get('texts') ?? null]])
            : await wireHandler(Gadget, 'echo', ({ text }) => ({ text: `${text}!` }))(inputs, call),
      },
    });
    thing.update({ count: 5 });
    const answer = await bench.query(
      object({ _what: 'OBJECT', _object_id: object({ _object_name: 'thing' }) }),
    );
    const [item] = bodyList(answer);
    expect(textOf(mapOf(mapOf(item)?.get('_schema_id'))?.get('_class_name'))).to.equal('Thing');
    expect(mapOf(mapOf(item)?.get('_values'))).to.deep.equal(object({ name: 'right', count: int32(5) }));
    const call = (args: ValueMap) =>
      bench.ask('_method_request', value(methodBody(bench.agent.name, 'echo', args, 'thing')));
    const result = async (args: ValueMap) => mapOf(bodyMap(await call(args)).get('_arguments'));
    expect(await result(object({ texts: 'hi' }))).to.deep.equal(object({ text: 'hi' }));
    expect(await result(object({ text: 'hi' }))).to.deep.equal(object({ text: 'hi!' }));
    expect(exceptionIn(await call(object({ text: int32(1) }))).text).to.contain('Invalid argument: text');
    await bench.close();
  });

  it('has a gate that sees every call and its end, and may refuse', async () => {
    const seen: string[] = [];
    const bench = await AgentBench.start(broker, {
      gate: async (call, proceed) => {
        const name = `${call.address?.objectName ?? ''}.${call.method}`;
        if (call.method === 'hang') throw new AgentException('not you', exceptionCodes.forbidden);
        try {
          const outputs = await proceed();
          seen.push(`${name}: ${outputs.size} results`);
          return outputs;
        } catch (error) {
          seen.push(`${name}: ${error instanceof Error ? error.message : ''}`);
          throw error;
        }
      },
    });
    expect(opcodeOf(await bench.call('echo', object({ text: 'hi' })))).to.equal('_method_response');
    expect(exceptionIn(await bench.call('hang', object({})))).to.deep.include({
      text: 'not you',
      code: exceptionCodes.forbidden,
    });
    expect(exceptionIn(await bench.call('leap', object({}))).code).to.equal(exceptionCodes.unknownMethod);
    expect(bench.calls).to.have.length(1);
    expect(seen).to.deep.equal([
      'g1.echo: 1 results',
      'g1.leap: Unknown method: leap (Gadget has echo, fail, hang, start)',
    ]);
    await bench.close();
  });
});

onEachBroker('an agent under strict security (§7.1)', start => {
  it('answers only to direct-console keys on the topic exchange, and not on the direct exchange', async () => {
    const broker = await start();
    const bench = await AgentBench.start(broker, { strictSecurity: true });
    const queue = await bench.console.dynamicQueue();
    const query = value(object({ _what: 'SCHEMA_ID' }));
    for (const replyTo of [
      queue.address,
      'qmf.default.direct/direct-console.1',
      'qmf.default.topic/agent.ind.event',
      'qmf.default.topic',
    ]) {
      bench.send('_query_request', query, { replyTo });
    }
    bench.console.send('qmf.default.direct', {
      subject: bench.agent.name,
      replyTo: bench.replyTo,
      correlationId: 'direct',
      applicationProperties: object({ 'qmf.opcode': '_query_request' }),
      body: query,
    });
    await bench.ask('_query_request', query);
    expect(bench.inbox.messages).to.deep.equal([]);
    expect(queue.messages).to.deep.equal([]);
    expect(bench.warnings.filter(text => text.includes('strict security'))).to.have.length(4);
    await bench.close();
    await broker.stop();
  });
});
