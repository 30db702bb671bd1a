import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BuildError, templateUrl } from '@imagefactory/plugin-api';
import { fakeContext } from '@imagefactory/plugin-api/testing';
import { startNameServer } from './name-server.js';
import { scene } from './places.js';

const run = promisify(execFile);

/** A program that a guest with the network `outbound` runs. */
export interface Visit {
  readonly name: string;
  readonly script: string;
  /** URLs that the agent checks before, as those of a template. */
  readonly checked?: readonly string[];
  /** URLs of servers that the operator has configured. */
  readonly servers?: readonly string[];
  readonly allowPrivateAddresses?: boolean;
  /** Whether it runs on the machine itself, as a control. */
  readonly plain?: boolean;
}

/**
 * A program that must be started in namespaces of its own for networks and mounts, which it makes a {@link scene} of. Arguments: names with their
 * addresses, and visits, both as JSON. It prints what each visit printed, as JSON.
 */
const names = JSON.parse(process.argv[2] ?? '[]') as readonly (readonly [string, readonly string[]])[];
const visits = JSON.parse(process.argv[3] ?? '[]') as readonly Visit[];

const sh = (script: string, ...args: readonly string[]) => run('sh', ['-euc', script, 'sh', ...args]);
const directory = await mkdtemp(join(tmpdir(), 'scene-'));
const around = spawn(
  'unshare',
  ['--net', process.execPath, new URL('./server.js', import.meta.url).pathname],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
await new Promise(resolve => around.stdout.once('data', resolve));
const resolver = join(directory, 'resolv.conf');
await writeFile(resolver, `nameserver ${scene.resolver}\n`);
await sh(
  `mount --bind "$1" "$(readlink -f /etc/resolv.conf)"
ip link set lo up
ip address add ${scene.ownOnLoopback}/32 dev lo
ip link add around type veth peer name machine netns ${around.pid}
ip address add ${scene.own}/24 dev around
ip link set around up
nsenter --target ${around.pid} --net sh -euc '
  ip address add ${scene.public}/24 dev machine
  ip address add ${scene.private}/24 dev machine
  ip link set machine up
'
ip route add ${scene.private}/32 dev around`,
  resolver,
);
const nameServer = await startNameServer(scene.resolver, new Map(names));
const own = spawn(process.execPath, [new URL('./server.js', import.meta.url).pathname], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
await new Promise(resolve => own.stdout.once('data', resolve));
try {
  const results: Record<string, string> = {};
  for (const visit of visits) results[visit.name] = await pay(visit);
  console.log(JSON.stringify(results));
} finally {
  own.kill('SIGKILL');
  around.kill('SIGKILL');
  nameServer.close();
  await rm(directory, { recursive: true });
}

async function pay({
  script,
  checked = [],
  servers = [],
  plain,
  allowPrivateAddresses = false,
}: Visit): Promise<string> {
  if (plain === true) {
    return await run('bash', ['-c', script]).then(
      ({ stdout }) => stdout,
      (error: unknown) => String(error),
    );
  }
  const context = await fakeContext({ run: 'real', sandbox: { allowPrivateAddresses } });
  const lines: string[] = [];
  try {
    for (const url of checked)
      await context.urls.check(templateUrl(url, '/template/os/install/url'), servers);
    const sandbox = await context.sandbox.open({ servers });
    await sandbox.tool('bash', ['-c', script], {
      network: 'outbound',
      onLine: line => void lines.push(line),
    });
  } catch (error) {
    lines.push(BuildError.from(error).message);
  } finally {
    await context.dispose();
  }
  return lines.join('\n');
}
