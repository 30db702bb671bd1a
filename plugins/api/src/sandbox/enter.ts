import type { IdBlock } from './id-ranges.js';

/** Something of the builder that a run shows to its container, by the number under which the entering script mounts it. */
export interface Shared {
  readonly path: string;
  readonly directory: boolean;
}

export interface EnterOptions {
  /** The runtime's program and its arguments before `run`. */
  readonly runtime: readonly string[];
  /** Arguments of `run` before `--bundle`. */
  readonly runArguments: readonly string[];
  /** Name of the container, unique in its state directory. */
  readonly id: string;
  /** Directory with `config.json`. */
  readonly bundle: string;
  /** Directory that everything is mounted in; something that nothing shared lies below. */
  readonly place: string;
  /** Ids of the container's root, at the place where the runtime runs. */
  readonly owner: IdBlock;
  readonly shared: readonly Shared[];
  /** Directories that are made in the place's `root`, the root directory of containers without a tree; links with where they lead. */
  readonly links: ReadonlyMap<string, string>;
  /** Files of standard input and output. */
  readonly input?: string;
  readonly output?: string;
  /** Most processes of all together; a bound for machines without control groups. */
  readonly processes?: number;
}

/** Paths below {@link EnterOptions.place} after the script has run. */
export const places = {
  root: (place: string) => `${place}/root`,
  shared: (place: string, index: number) => `${place}/shared/${index}`,
  bundle: (place: string) => `${place}/bundle`,
};

/**
 * Shell text that puts together what a container is made of, in mount and process namespaces of its own, and becomes the runtime. The
 * paths in it need not be open to the container's ids: all is mounted at a place that is.
 */
export function enterScript(options: EnterOptions): string {
  const { place, shared, links, input, output, processes } = options;
  const lines = ['set -eu', 'umask 022'];
  if (input !== undefined) lines.push(`exec <${quoted(input)}`);
  if (output !== undefined) lines.push(`exec >${quoted(output)}`);
  lines.push(`mount -t tmpfs -o mode=0711,size=64m,nosuid,nodev imagefactory ${quoted(place)}`);
  const directories = ['root', 'bundle', 'state', 'shared'];
  const files: string[] = [];
  for (const [index, { directory }] of shared.entries())
    (directory ? directories : files).push(`shared/${index}`);
  directories.sort();
  lines.push(`cd ${quoted(place)}`, `mkdir ${directories.filter(name => !name.includes('/')).join(' ')}`);
  const inner = directories.filter(name => name.includes('/'));
  if (inner.length > 0) lines.push(`mkdir ${inner.join(' ')}`);
  for (const file of files) lines.push(`: >${file}`);
  for (const [index, { path }] of shared.entries())
    lines.push(`mount --rbind ${quoted(path)} shared/${index}`);
  for (const [name, target] of links) lines.push(`ln -s ${quoted(target)} ${quoted(`root${name}`)}`);
  lines.push(
    'chmod 0755 root shared',
    'chmod 0700 bundle state',
    `chown ${options.owner.uid}:${options.owner.gid} root`,
    `mount --bind ${quoted(options.bundle)} bundle`,
  );
  const bound = processes === undefined ? [] : ['prlimit', `--nproc=${processes}`];
  const run = ['run', ...options.runArguments, '--bundle', `${place}/bundle`, options.id];
  lines.push(
    `exec ${[...bound, ...options.runtime, '--root', `${place}/state`, ...run].map(quoted).join(' ')}`,
  );
  return `${lines.join('\n')}\n`;
}

/**
 * Arguments of `setpriv` that run a program in namespaces of its own for mounts and processes. They end with this process, however it ends, and
 * then everything in them does. An ordinary user becomes root over the block there.
 */
export function enclosed(ids: IdBlock | undefined, command: readonly string[]): readonly string[] {
  const mapping =
    ids === undefined
      ? []
      : ['--map-root-user', `--map-users=${ids.uid},1,65536`, `--map-groups=${ids.gid},1,65536`];
  const spaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc'];
  return ['--pdeathsig', 'KILL', '--', 'unshare', ...mapping, ...spaces, '--', ...command];
}

export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
