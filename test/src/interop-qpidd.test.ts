import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { configuredAsDocumented } from './interop/configured.js';
import { blockOf, blocksOf } from './interop/howto.js';
import { brokerForFile, interoperabilityOn } from './interop/on-broker.js';
import { startQpidd } from './support/brokers/qpidd.js';
import { findProgram } from './support/lane.js';
import { Program } from './support/program.js';

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

  describe('the users of docs/brokers.md', () => {
    let directory: string;
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'imagefactory-qpidd-'));
    });
    after(() => rm(directory, { recursive: true, force: true }));

    configuredAsDocumented('qpidd', broker.protocols, async () => {
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
    });
  });
}
