import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ConnectedConsole } from '@imagefactory/console-client';
import { bootImage, isReady, whichTool } from '@imagefactory/plugin-api';
import { busyboxOs, debianOs } from '@imagefactory/plugin-debian';
import { openstackKvm } from '@imagefactory/plugin-openstack-kvm';
import { type RunningBroker, startBroker } from '@imagefactory/qmf';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { AgentProgram } from './support/agent-program.js';
import { skipBecause } from './support/lane.js';
import { projectRoot } from './support/program.js';

const run = promisify(execFile);

/** Root's password in the example templates. */
const PASSWORD = 'change-me-please';

/** Real images, ordered over the bus and then booted: minutes of work, so only on request. */
describe('real builds over the bus', function () {
  this.timeout(1_800_000);
  let broker: RunningBroker | undefined;
  let agent: AgentProgram | undefined;
  let client: ConnectedConsole | undefined;

  before(async function () {
    if (process.env.IMAGEFACTORY_REAL !== '1') {
      skipBecause(
        this,
        'real builds take minutes and download packages; set IMAGEFACTORY_REAL=1 to run them',
      );
    }
    for (const plugin of [debianOs(), busyboxOs(), openstackKvm()]) {
      const diagnosis = await plugin.doctor();
      const missing = diagnosis.requirements
        .filter(({ state }) => state === 'missing')
        .map(({ need }) => need);
      if (!isReady(diagnosis))
        skipBecause(this, `${plugin.name} lacks ${missing.join(', ')}; see imagefactory doctor`);
    }
    if ((await whichTool('qemu-system-x86_64')) === undefined) {
      skipBecause(this, 'qemu-system-x86_64 is not installed (apt-get install qemu-system-x86 seabios ovmf)');
    }
    broker = await startBroker();
    agent = await AgentProgram.start(broker.url, ['--timeout', '900']);
    client = await agent.console();
  });

  after(async () => {
    await client?.close();
    await agent?.stop();
    await broker?.stop();
  });

  for (const [template, firmwares] of [
    ['busybox', ['bios']],
    ['debian-12', ['bios', 'uefi']],
  ] as const) {
    it(`${template}.tdl becomes a qcow2 that boots and holds what the template says`, async () => {
      if (client === undefined) throw new Error('no console');
      const started = Date.now();
      const descriptor = await readFile(join(projectRoot, `examples/templates/${template}.tdl`), 'utf8');
      const build = await (await client.findFactory()).buildImage({ descriptor, target: 'openstack-kvm' });
      const image = await build.finished();
      console.log(`      built ${template} in ${((Date.now() - started) / 1000).toFixed(1)} s`);

      const { stdout } = await run('qemu-img', ['check', '--output=json', '-f', 'qcow2', image]);
      expect(JSON.parse(stdout)).to.include({ 'check-errors': 0 });

      for (const firmware of firmwares) {
        const boot = await bootImage({
          image,
          format: 'qcow2',
          firmware,
          marker: 'IMAGE-READY',
          login: { user: 'root', password: PASSWORD, command: 'cat /etc/image-release' },
          timeout: 400,
        });
        console.log(
          `      booted ${template} on ${firmware} (${boot.accelerator.name}) in ${boot.secondsToMarker.toFixed(1)} s`,
        );
        expect(boot.command?.output).to.include(`Built by Image Factory from ${template}.tdl`);
      }
    });
  }
});
