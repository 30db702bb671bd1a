import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { afterEach, describe, it } from 'mocha';
import { type BusConnection } from '../connection/index.js';
import { ConsoleSession, type ReceivedEvent } from '../console/index.js';
import { addressFromPlain } from '../data/index.js';
import { parseBrokerUrl } from '../transport/index.js';
import { connectTo, qpiddUrl } from './brokers.test.fixture.js';
import {
  BuildAdaptor,
  ImageFactory,
  type Program,
  startFactory,
  startProgram,
  StatusEvent,
} from './factory.test.fixture.js';
import { failure, until } from './poll.test.fixture.js';
import { schemaHash } from '../schema/hash.js';

/**
 * Stock libqmf2 programs that hold the session of the QMF API note of 2011: a console and an agent, each called with
 * `HOST:PORT PROTOCOL`.
 */
const cppConsole = process.env['IMAGEFACTORY_CPP_CONSOLE'];
const cppAgent = process.env['IMAGEFACTORY_CPP_AGENT'];

describe('libqmf2 at qpidd', () => {
  if (qpiddUrl === undefined || cppConsole === undefined || cppAgent === undefined) {
    it('skipped: set IMAGEFACTORY_QPIDD_URL, IMAGEFACTORY_CPP_CONSOLE and IMAGEFACTORY_CPP_AGENT to run it', function () {
      this.skip();
    });
    return;
  }
  const { host, port } = parseBrokerUrl(qpiddUrl);
  const broker = `${host}:${port}`;
  let connection: BusConnection | undefined;
  let program: Program | undefined;
  afterEach(async () => {
    await program?.stop();
    await connection?.close();
    program = undefined;
    connection = undefined;
  });

  for (const [protocol, bodyForm] of [
    ['amqp0-10', 'value'],
    ['amqp0-10', 'data'],
    ['amqp1.0', 'data'],
  ] as const) {
    it(`§9.11 a C++ console over ${protocol} finds our agent, calls it and sees its events; bodies as ${bodyForm}`, async function () {
      this.timeout(180_000);
      connection = await connectTo(qpiddUrl ?? '');
      const instance = randomUUID();
      const agent = await startFactory(connection, instance, bodyForm);
      program = startProgram(cppConsole, [broker, protocol], {
        SEED_FILTER: `[eq, _instance, [quote, '${instance}']]`,
        SEED_EVENTS_WAIT: '3',
      });
      const code = await program.exit;
      const output = program.output();
      expect(code, output).to.equal(0);
      expect(output).to.match(/ImageFactory objects: 1/);
      expect(output).to.match(/COMPLETED seen by polling: yes, by event: yes/);
      for (const { schema } of [ImageFactory, BuildAdaptor, StatusEvent]) {
        expect(output).to.include(
          `${schema.id.className} type=${schema.id.kind === '_event' ? 'EVENT' : 'DATA'} hash=${schema.id.hash.toString()}`,
        );
      }
      expect(output).to.match(/arg sec_credentials STRING dir=IN/);
      expect(output).to.not.match(/getSchema failed|THREAD_FAILED|EXCEPTION/);
      agent.close();
    });

    it(`§9.11 our console finds a C++ agent over ${protocol}, calls it and sees its events; bodies as ${bodyForm}`, async function () {
      this.timeout(180_000);
      connection = await connectTo(qpiddUrl ?? '');
      const session = new ConsoleSession(connection, { bodyForm, requestTimeout: 60_000 });
      await session.open();
      const agentProgram = startProgram(cppAgent, [broker, protocol], { SEED_AGENT_OPTIONS: '{interval:2}' });
      program = agentProgram;
      const name = await until(
        'the agent is open',
        () => /agent (\S+) open/.exec(agentProgram.output())?.[1],
      );
      const agent = await session.findAgent(candidate => candidate.name === name);
      expect(agent.info).to.include({
        vendor: 'redhat.com',
        product: 'imagefactory',
        epoch: 1,
        capability: 1,
      });

      const ids = await agent.schemaIds();
      expect(ids.map(({ className }) => className)).to.include.members([
        'ImageFactory',
        'BuildAdaptor',
        'BuildAdaptorStatusEvent',
      ]);
      for (const id of ids) {
        const schema = await agent.schema(id);
        expect(schemaHash(schema).toString(), id.className).to.equal(id.hash?.toString());
      }

      const [factory] = await agent.objects(ImageFactory);
      const events: ReceivedEvent[] = [];
      session.onEvent(event => {
        if (event.agent === name && event.className === 'BuildAdaptorStatusEvent') events.push(event);
      });
      const inputs = {
        descriptor: '<template></template>',
        target: 'mock',
        image_uuid: 'x',
        sec_credentials: '',
      };
      const { build_adaptor: map } = await factory!.call('build_image', inputs);
      const address = addressFromPlain(map);
      expect(address.agentName).to.equal(name);
      const adaptor = await agent.object(BuildAdaptor, address);
      expect(adaptor.values).to.deep.include({ target: 'mock', status: 'NEW', percent_complete: 0 });
      await until('the build is over', () =>
        events.some(({ values }) => values['new_status'] === 'COMPLETED'),
      );
      expect((await adaptor.refresh()).percent_complete).to.equal(100);
      expect(events.map(({ values }) => values['old_status'])).to.deep.equal(['NEW', 'BUILDING']);

      const untyped = await agent.query("{class:ImageFactory, package:'com.redhat.imagefactory'}");
      expect(await failure(agent.call(untyped[0]!, 'nonsense', {}))).to.include({ code: 'schema_unknown' });
      const refused = agent.invoke(factory!.address, 'build_image', undefined, { colour: 'red' }, {});
      expect((await failure(refused)).message).to.match(/Invalid argument: colour/);
      expect(
        await failure(agent.query({ what: 'OBJECT', where: ['like', 'a', 'b'] }, { timeout: 300 })),
        '§9.15',
      )
        .to.have.property('code')
        .that.is.oneOf(['timeout', 'agent_exception']);
      session.close();
    });
  }

  it("§9.21 §9.22 our console knows the broker's own agent: objects, schemas by QMFv1, methods, refusals", async () => {
    connection = await connectTo(qpiddUrl ?? '');
    const session = new ConsoleSession(connection, { requestTimeout: 60_000 });
    await session.open();
    const agent = await session.findAgent(({ info }) => info.product === 'qpidd');
    expect(agent.info.directSubject).to.equal(undefined);
    const [object] = await agent.query('{class:broker}');
    expect(object?.address?.objectName).to.equal('org.apache.qpid.broker:broker:amqp-broker');
    const schema = await agent.schema(object!.schemaId!);
    expect(schema.methods.map(({ name }) => name)).to.include('echo');
    const result = await agent.call(object!, 'echo', { sequence: 5, body: 'hällo' });
    expect(result).to.deep.equal({ sequence: 5, body: 'hällo' });
    expect(await agent.query("{class:exchange, package:'org.apache.qpid.broker'}")).to.have.length.above(3);
    expect(await failure(agent.schemaIds())).to.include({ code: 'agent_exception', agentCode: 1 });
    const unknown = agent.schema({ ...object!.schemaId!, className: 'nonsense' }, { timeout: 500 });
    expect(await failure(unknown))
      .to.have.property('code')
      .that.is.oneOf(['schema_unknown', 'timeout']);
    session.close();
  });
});
