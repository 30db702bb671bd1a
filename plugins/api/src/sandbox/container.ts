import { existsSync, readlinkSync, statSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '../errors.js';
import type { RunOptions, RunResult, ToolRunner } from '../runner.js';
import { newCgroup, removeCgroup } from './cgroup.js';
import { enclosed, enterScript, places, type Shared } from './enter.js';
import type { IdBlock } from './id-ranges.js';
import type { SandboxLimits } from './limits.js';
import { requireNetwork } from './network-tools.js';
import { openRelay, relayHook, type RelayReach } from './proxy-relay.js';
import { outboundHook, outboundRoutes, type SandboxNetwork } from './network.js';
import type { Runtime } from './runtime.js';
import { containerConfig, type ContainerMount } from './spec.js';

/** Something of the builder that a container sees at a path. */
export interface Share {
  /** Absolute path on this machine. */
  readonly path: string;
  /** Absolute path in the container; default: the same. */
  readonly target?: string;
  /** Default false. */
  readonly writable?: boolean;
}

export interface ContainerRun {
  readonly runtime: Runtime;
  /** Whether the agent is root; an ordinary user becomes root over the block first. */
  readonly root: boolean;
  readonly ids: IdBlock;
  /** A new directory, removed after the run; for its configuration. */
  readonly directory: string;
  /** Root directory of the container; absent: this machine's programs, read-only, and nothing else of it. */
  readonly tree?: string;
  readonly shares: readonly Share[];
  readonly hostname: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly network: SandboxNetwork;
  /** Where the network `outbound` leads: by the rule, and to servers that the operator has configured, by their URLs. */
  readonly reach: RelayReach;
  /** Whether the guest has the relay to this machine's proxies. */
  readonly proxied: boolean;
  readonly limits: SandboxLimits;
  /** Files for standard input and output. */
  readonly inputFile?: string;
  readonly outputFile?: string;
  /** Called with the path of the control group, if there is one, before the container starts. */
  readonly onStart?: (cgroup: string | undefined) => Promise<void>;
  /** Called when the container has ended, while its control group still is there. */
  readonly onEnd?: () => Promise<void>;
}

/** Runs a program in a container of its own, which ends with it. */
export async function runContainer(
  run: ToolRunner,
  options: ContainerRun,
  rest: RunOptions,
): Promise<RunResult> {
  const { runtime, root, ids, directory, network, reach } = options;
  await mkdir(directory, { mode: 0o700 });
  const cgroup = runtime.cgroups ? newCgroup() : undefined;
  let relay: { close(): Promise<void> } | undefined;
  try {
    const { text, config, place } = prepare(options, cgroup);
    const script = join(directory, 'enter.sh');
    await writeFile(join(directory, 'config.json'), JSON.stringify(config), { mode: 0o600 });
    await writeFile(script, text, { mode: 0o600 });
    if (network === 'outbound') {
      await requireNetwork();
      const routes = await outboundRoutes(reach.rule, reach.servers);
      const bundle = places.bundle(place);
      const hook = outboundHook(join(bundle, 'network'), routes);
      if (options.proxied) relay = await openRelay(directory, reach);
      await writeFile(join(directory, 'hook'), relay === undefined ? hook : `${hook}${relayHook(bundle)}`, {
        mode: 0o700,
      });
    }
    await options.onStart?.(cgroup);
    const args = enclosed(root ? undefined : ids, ['sh', script]);
    return await run('setpriv', args, { cwd: '/', grace: 0, shown: options.command, ...rest });
  } finally {
    await options.onEnd?.();
    await relay?.close();
    if (cgroup !== undefined) await removeCgroup(cgroup);
    await rm(directory, { recursive: true, force: true });
  }
}

function prepare(
  options: ContainerRun,
  cgroup: string | undefined,
): { readonly text: string; readonly config: object; readonly place: string } {
  const { runtime, root, ids, directory, tree, inputFile, outputFile, network, limits } = options;
  const shares = [...options.shares];
  const files = [tree, inputFile, outputFile, directory, ...shares.map(({ path }) => path)];
  const place = placeFor(files.filter(path => path !== undefined));
  const shared: Shared[] = [];
  const share = (path: string): string => {
    shared.push({ path, directory: statSync(path).isDirectory() });
    return places.shared(place, shared.length - 1);
  };
  const treePlace = tree === undefined ? undefined : share(tree);
  const mounts: ContainerMount[] = shares.map(({ path, target = path, writable = false }) => ({
    target,
    writable,
    source: share(path),
    recursive: true,
  }));
  const system = tree === undefined ? systemOfBuilder() : { mounts: [], links: new Map<string, string>() };
  const owner = root ? ids : { uid: 1, gid: 1 };
  const config = containerConfig({
    root: treePlace ?? places.root(place),
    ids: owner,
    hostname: options.hostname,
    args: options.command,
    env: options.env,
    cwd: options.cwd ?? '/',
    temporary: tree === undefined,
    mounts: [...system.mounts, ...mounts],
    limits,
    ...(cgroup === undefined ? {} : { cgroup }),
    ...(network === 'none' ? {} : { hook: join(places.bundle(place), 'hook') }),
  });
  const text = enterScript({
    runtime: [runtime.path, ...runtime.arguments],
    runArguments: runtime.runArguments,
    id: 'build',
    bundle: directory,
    owner,
    place,
    shared,
    links: system.links,
    ...(inputFile === undefined ? {} : { input: inputFile }),
    ...(outputFile === undefined ? {} : { output: outputFile }),
    ...(cgroup === undefined ? { processes: limits.processes + 64 } : {}),
  });
  return { text, config, place };
}

/** Directories that every Linux system has and that a build does not need; the first below which nothing that is used lies. */
const possiblePlaces = ['/mnt', '/media', '/srv', '/opt', '/home'];

function placeFor(used: readonly string[]): string {
  const place = possiblePlaces.find(
    path => existsSync(path) && !used.some(file => file === path || file.startsWith(`${path}/`)),
  );
  if (place !== undefined) return place;
  throw new BuildError(
    'not_permitted',
    `a sandbox needs one of ${possiblePlaces.join(', ')} to mount its parts at`,
  );
}

/** Directories of programs and libraries, as this machine has them: links to `/usr`, or directories. */
const programDirectories = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** Parts of `/etc` that programs read and that say nothing about this machine or its users. */
const settings = [
  '/etc/alternatives',
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/ssl/certs',
];
const moreSettings = [
  '/etc/ca-certificates',
  '/etc/apt/trusted.gpg.d',
  '/etc/mke2fs.conf',
  '/etc/protocols',
  '/etc/services',
];

/** The builder's programs, for a container without a tree. */
function systemOfBuilder(): {
  readonly mounts: readonly ContainerMount[];
  readonly links: ReadonlyMap<string, string>;
} {
  const links = new Map<string, string>();
  const mounts: ContainerMount[] = [];
  const show = (path: string): void => {
    mounts.push({ target: path, source: path, writable: false, recursive: true });
  };
  show('/usr');
  for (const path of programDirectories) {
    const target = linkTarget(path);
    if (target !== undefined) links.set(path, target);
    else if (existsSync(path)) show(path);
  }
  for (const path of [...settings, ...moreSettings]) if (existsSync(path)) show(path);
  return { mounts, links };
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
