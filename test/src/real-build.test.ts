import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ConnectedConsole } from '@imagefactory/console-client';
import { bootImage, isReady, whichTool } from '@imagefactory/plugin-api';
import { busyboxOs, debianOs } from '@imagefactory/plugin-debian';
import { openstackKvm } from '@imagefactory/plugin-openstack-kvm';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { AgentProgram } from './support/agent-program.js';
import { skipBecause } from './support/lane.js';
import { projectRoot } from './support/program.js';

const run = promisify(execFile);

/** Root's password in the example templates. */
const PASSWORD = 'change-me-please';

const gibibyte = 1024 ** 3;

/** For a guest's shell: bytes of its root file system's blocks. */
const sizeOfRoot = "stat -f -c 'size %b %S' / | while read -r a b c; do echo $a $((b * c)); done";

/** Bytes of the disk in an image. */
async function sizeOf(image: string): Promise<number> {
  const { stdout } = await run('qemu-img', ['info', '--output=json', '-f', 'qcow2', image]);
  const info: unknown = JSON.parse(stdout);
  return typeof info === 'object' && info !== null && 'virtual-size' in info
    ? Number(info['virtual-size'])
    : Number.NaN;
}

/** Real images, ordered over the bus and then booted: minutes of work, so only on request. */
describe('real builds over the bus', function () {
  this.timeout(1_800_000);
  let broker: RunningBroker | undefined;
  let agent: AgentProgram | undefined;
  let client: ConnectedConsole | undefined;
  let directory: string | undefined;

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

  /** Path of a disk with more room, that begins as the image. */
  async function onLargerDisk(image: string, gibibytes: number): Promise<string> {
    directory ??= await mkdtemp(join(tmpdir(), 'larger-'));
    const disk = join(directory, 'disk.qcow2');
    const size = (await sizeOf(image)) + gibibytes * gibibyte;
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', image, disk, String(size)]);
    return disk;
  }

  after(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true });
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
        // Debian's first boot is on the disk of a flavour with more room.
        const more = template === 'debian-12' && firmware === 'bios' ? 4 : 0;
        const boot = await bootImage({
          image: more === 0 ? image : await onLargerDisk(image, more),
          format: 'qcow2',
          firmware,
          marker: 'IMAGE-READY',
          login: { user: 'root', password: PASSWORD, command: `cat /etc/image-release; ${sizeOfRoot}` },
          timeout: 400,
        });
        console.log(
          `      booted ${template} on ${firmware} (${boot.accelerator.name}) in ${boot.secondsToMarker.toFixed(1)} s`,
        );
        expect(boot.command?.output).to.include(`Built by Image Factory from ${template}.tdl`);
        if (more > 0) {
          // The root file system has grown by itself to nearly all of the disk.
          const size = Number(/size (\d+)$/m.exec(boot.command?.output ?? '')?.[1]);
          expect(size).to.be.within(
            (await sizeOf(image)) + (more - 1) * gibibyte,
            (await sizeOf(image)) + more * gibibyte,
          );
        }
      }
    });
  }
});
