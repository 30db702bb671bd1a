import { readdir, readFile, stat, truncate } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootImage, isReady, type OsPlugin, type Template, whichTool } from '@imagefactory/plugin-api';
import { type FakeContext, fakeContext, fakeTemplate } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { busyboxOs, debianOs } from './index.js';

/** These tests build and boot. They run with IMAGEFACTORY_REAL=1 on a machine that has the tools. */
async function reasonToSkip(plugin: OsPlugin): Promise<string | undefined> {
  if (process.env['IMAGEFACTORY_REAL'] !== '1') return 'IMAGEFACTORY_REAL is not 1';
  const diagnosis = await plugin.doctor();
  if (!isReady(diagnosis)) {
    const missing = diagnosis.requirements.filter(({ state }) => state === 'missing');
    return `this machine lacks: ${missing.map(({ need }) => need).join(', ')}`;
  }
  if ((await whichTool('qemu-system-x86_64')) === undefined) return 'qemu-system-x86_64 is not installed';
  return undefined;
}

function skipUnlessReady(plugin: OsPlugin): void {
  before(async function () {
    const reason = await reasonToSkip(plugin);
    if (reason === undefined) return;
    console.log(`      skipped: ${reason}`);
    this.skip();
  });
}

const password = 'Pa55-of-this-test';

function template(name: string, version: string, marker: string, parts: Partial<Template> = {}): Template {
  return fakeTemplate({
    name: 'real',
    os: {
      name,
      version,
      arch: 'x86_64',
      install: { type: 'url', url: 'http://mirror.example.org/debian' },
      rootPassword: password,
    },
    files: [{ path: '/etc/from-the-template', content: Buffer.from('so it is\n') }],
    commands: [{ name: 'marker', script: marker }],
    ...parts,
  });
}

const busybox = template('busybox', '1', "echo 'echo REAL-MARKER > /dev/ttyS0' > /etc/init.d/S99marker");
const debian = template(
  'Debian',
  '12',
  `cat > /etc/systemd/system/marker.service <<END
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo REAL-MARKER > /dev/ttyS0'
[Install]
WantedBy=multi-user.target
END
systemctl enable marker.service`,
  { packages: [{ name: 'tree' }, { name: 'ssl-cert' }] },
);

const login = { user: 'root', password };

/** Mounts of this process and programs of a build, by which one sees that it has left nothing behind. Other tests build beside this one. */
async function traces({ scratch }: FakeContext): Promise<{ mounts: string; programs: string[] }> {
  const programs: string[] = [];
  for (const pid of await readdir('/proc')) {
    const line = /^\d+$/.test(pid) ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : '';
    if (line.includes(scratch)) programs.push(line.replaceAll('\0', ' '));
  }
  return { mounts: await readFile('/proc/self/mounts', 'utf8'), programs };
}

describe('a real busybox image', () => {
  skipUnlessReady(busyboxOs());
  let context: FakeContext;
  beforeEach(async () => {
    context = await fakeContext({ run: 'real' });
  });
  afterEach(() => context.dispose());

  it('is built in seconds and boots from BIOS and UEFI', async function () {
    this.timeout(1_800_000);
    const started = performance.now();
    const image = await busyboxOs().buildBase(busybox, context);
    console.log(`      built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    for (const firmware of ['bios', 'uefi'] as const) {
      const result = await bootImage({
        image: image.path,
        format: image.format,
        firmware,
        marker: 'REAL-MARKER',
        login: { ...login, command: 'cat /etc/from-the-template' },
        timeout: 400,
      });
      console.log(`      ${firmware}: ${result.secondsToMarker.toFixed(1)} s, ${result.accelerator.name}`);
      expect(result.command).to.deep.equal({ output: 'so it is\n', status: 0 });
    }
    expect(context.log.lines.join('\n')).not.to.contain(password);
    expect(await readdir(context.scratch)).to.deep.equal(['busybox.raw']);
  });

  it('leaves nothing when a command hangs and the build is aborted', async function () {
    this.timeout(600_000);
    const before = await traces(context);
    const hanging = {
      ...busybox,
      commands: [{ name: 'hang', script: 'trap "" TERM; echo here; while :; do sleep 1; done' }],
    };
    const building = busyboxOs()
      .buildBase(hanging, context)
      .catch((error: unknown) => error);
    const deadline = Date.now() + 600_000;
    while (!context.log.lines.includes('debug: here')) {
      if (Date.now() > deadline) throw new Error(`the command never ran:\n${context.log.lines.join('\n')}`);
      await sleep(50);
    }
    context.abort();
    expect(await building).to.include({ code: 'aborted' });
    expect(await traces(context)).to.deep.equal(before);
    expect(await readdir(context.scratch)).to.deep.equal([]);
  });
});

describe('a real Debian image', () => {
  skipUnlessReady(debianOs());
  it('is built cold, then from the cached base, and boots', async function () {
    this.timeout(1_800_000);
    const shared = await fakeContext();
    for (const kind of ['cold', 'warm']) {
      const context = await fakeContext({ run: 'real', cache: shared.cache });
      try {
        const started = performance.now();
        const image = await debianOs().buildBase(debian, context);
        console.log(`      ${kind} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
        expect(context.log.lines.join('\n')).not.to.contain(password);
        expect(image.packages?.map(({ name }) => name)).to.include.members(['bash', 'systemd', 'tree']);
        if (kind === 'cold') continue;
        // As the disk of a flavour that has more room.
        await truncate(image.path, (await stat(image.path)).size + 2 * 1024 ** 3);
        expect(context.log.lines.join('\n')).to.match(
          /own key and certificate of ssl-cert: .*snakeoil.key is taken out/,
        );
        const command =
          'cat /etc/from-the-template; tree --version | cut -c1-4; cat /etc/hostname; systemctl is-enabled marker.service; ' +
          '[ $(df -BM --output=size / | tail -n 1 | tr -dc 0-9) -gt 11500 ] && echo grown; ls /etc/ssl/private; systemctl is-failed grow-root machine-keys';
        const result = await bootImage({
          image: image.path,
          format: image.format,
          marker: 'REAL-MARKER',
          login: { ...login, command },
          timeout: 900,
        });
        console.log(`      bios: ${result.secondsToMarker.toFixed(1)} s, ${result.accelerator.name}`);
        expect(result.command?.output).to.equal(
          'so it is\ntree\nlocalhost\nenabled\ngrown\nssl-cert-snakeoil.key\ninactive\ninactive\n',
        );
      } finally {
        await context.dispose();
      }
    }
    await shared.dispose();
  });
});
