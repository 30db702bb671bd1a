import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import { QmfError, transportFor } from '@imagefactory/qmf';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { heartbeatsUponArrival } from './interop/arrivals.js';
import { queueKeepsEvents, readOver10 } from './interop/durable-queue.js';
import { makeAsQpidConfig } from './interop/qpid-config.js';
import { configuredAsDocumented } from './interop/configured.js';
import { blockOf, blocksOf } from './support/doc-blocks.js';
import { as } from './interop/roles.js';
import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';
import { AgentProgram } from './support/agent-program.js';
import type { MissingBroker, RealBroker } from './support/brokers/index.js';
import { startQpidd } from './support/brokers/qpidd.js';
import { findProgram, skipBecause } from './support/lane.js';
import { Program, projectRoot } from './support/program.js';
import { rejection } from './support/until.js';

/** Debian's own: an interpreter of another make on the PATH would not see Debian's modules. */
const PYTHON = '/usr/bin/python3';

const section = 'Apache Qpid C++ (qpidd)';

const broker = await brokerForFile('qpidd');
if (broker !== undefined) {
  interoperabilityOn(broker);

  describe("a console on a real qpidd and the broker's own agent", () => {
    let client: ConnectedConsole;
    before(async () => {
      client = await connectConsole({ broker: broker.url });
    });
    after(() => client.close());

    it('meet, with schemas by QMFv1', async () => {
      const own = await client.session.findAgent(({ info }) => info.product === 'qpidd');
      const [object] = await own.query('{class:broker}');
      expect(object).not.to.equal(undefined);
      const schema = await own.schema(object!.schemaId!);
      expect(schema.methods.map(({ name }) => name)).to.include('echo');
      const hello = { sequence: 7, body: 'hello' };
      expect(await own.call(object!, 'echo', hello)).to.deep.equal(hello);
    });
  });

  describe('an agent on a real qpidd', () => {
    it('notices each receiver of AMQP 1.0 that is called as stock consoles call theirs', async function () {
      this.timeout(300_000);
      const probe = await Program.run(PYTHON, ['-c', 'import proton']).catch(() => undefined);
      if (probe?.status !== 0)
        return skipBecause(
          this,
          'python3-qpid-proton is not installed (apt-get install python3-qpid-proton)',
        );
      const script = join(projectRoot, 'test/interop/unfiltered_proton.py');
      const listen = async (): Promise<void> => {
        const run = await Program.run(PYTHON, [script, broker.url.replace('amqp://', '')]);
        expect(run.status, run.output).to.equal(0);
      };
      expect(await heartbeatsUponArrival(broker.url, listen)).to.equal(3);
    });
  });

  describe('a durable queue at qpidd', () => {
    let own: RealBroker | undefined;
    before(async function () {
      const started = await startQpidd(['--auth', 'no']);
      if ('missing' in started) return skipBecause(this, started.missing);
      own = started;
    });
    after(() => own?.stop());

    it('as in docs/brokers.md keeps the events that an orchestrator was not there to hear', async function () {
      this.timeout(300_000);
      const url = own?.url ?? '';
      await queueKeepsEvents(
        url,
        async () => makeAsQpidConfig(url, await blockOf('An orchestrator that was down', 'sh')),
        isLast => readOver10(url, isLast),
      );
    });
  });

  describe('a qpidd without management', () => {
    let without: RealBroker | undefined;
    before(async function () {
      const started = await startQpidd(['--mgmt-enable', 'no']);
      if ('missing' in started) return skipBecause(this, started.missing);
      without = started;
    });
    after(() => without?.stop());

    it('is named as such by an agent and a console, with the remedy', async () => {
      const url = without?.url ?? '';
      const missing =
        /the exchange qmf\.default\.topic is missing: start qpidd with its management \(--mgmt-enable yes\)/;
      const refused = await rejection(connectConsole({ broker: url }));
      expect(refused).to.be.instanceOf(QmfError).and.to.include({ code: 'address_refused' });
      expect((refused as QmfError).remedy).to.match(missing);
      const agent = await AgentProgram.start(url);
      try {
        await agent.program.says(missing, 45_000);
      } finally {
        await agent.stop();
      }
    });
  });

  describe('the users of docs/brokers.md', () => {
    let directory: string;
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'imagefactory-qpidd-'));
    });
    after(() => rm(directory, { recursive: true, force: true }));

    const start = async (): Promise<RealBroker | MissingBroker> => {
      if ((await findProgram('saslpasswd2')) === undefined)
        return { kind: 'qpidd', missing: 'saslpasswd2 is not installed (Debian: sasl2-bin)' };
      const [, commands = ''] = await blocksOf(section, 'sh');
      const made = await Program.run('/bin/sh', ['-ec', commands], {
        cwd: directory,
        env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin` },
      });
      expect(made.status, made.output).to.equal(0);
      const sasl = await blockOf(section, 'sasl');
      await writeFile(
        join(directory, 'qpidd.conf'),
        sasl.replace('qpidd.sasldb', join(directory, 'qpidd.sasldb')),
      );
      const acl = join(directory, 'qpidd.acl');
      await writeFile(acl, await blockOf(section, 'acl'));
      return startQpidd(['--auth', 'yes', '--sasl-config', directory, '--acl-file', acl]);
    };
    const more = (url: () => string): void => {
      it("lets consoles of 2011 look for the broker's own agent and listen as they do, and no further", async () => {
        const wire = await transportFor(as('operator', 'amqp10', url())).dial(AbortSignal.timeout(60_000));
        try {
          const locate = (subject: string): Promise<void> =>
            wire.send({
              to: { node: 'qmf.default.direct', subject },
              headers: new Map([['qmf.opcode', '_agent_locate_request']]),
              contentType: 'amqp/list',
              body: { form: 'data', bytes: Buffer.from('0000000400000000', 'hex') },
            });
          const listen = async (key: string): Promise<void> =>
            (
              await wire.bind(
                { exchange: 'amq.direct', exchangeType: 'direct', key, create: false },
                () => undefined,
              )
            )();
          await locate('broker');
          await listen('direct-console.1');
          expect(await rejection(listen('reply-1'))).to.include({ code: 'not_authorised' });
          expect(await rejection(locate('redhat.com:imagefactory:1'))).to.include({ code: 'not_authorised' });
        } finally {
          await wire.close();
        }
      });
    };
    configuredAsDocumented({ ...broker, start, more });
  });
}
