import { chmod, chown, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildLog } from '../build-log.js';
import { BuildError, isBuildError } from '../errors.js';
import type { RunOptions, RunResult, ToolRunner } from '../runner.js';
import { guestProxySettings, type RelayReach } from './proxy-relay.js';
import { runContainer, type ContainerRun, type Share } from './container.js';
import type { HeldBlock } from './id-lock.js';
import { limitExceeded, limitInFailure, type LimitName, type SandboxLimits } from './limits.js';
import type { Machine } from './machine.js';
import { proxySecrets } from './machine-proxies.js';
import { networkOff, outboundResolver, wantsNetwork } from './network.js';
import {
  type GuestOptions,
  guestEnvironment,
  type Sandbox,
  type SandboxFile,
  type SandboxToolOptions,
  stageInGuest,
} from './sandbox.js';
import { contentOf, isMountPoint, placeIn } from './shadows.js';
import { type Count, LimitWatch, type Usage } from './watch.js';

export interface OciSandboxOptions {
  readonly machine: Machine;
  readonly held: HeldBlock;
  readonly run: ToolRunner;
  /** A runner that logs nothing, for what belongs to the sandbox itself. */
  readonly quiet: ToolRunner;
  readonly log: BuildLog;
  /** A directory that does not exist yet, for everything of the sandbox. */
  readonly directory: string;
  readonly hostname: string;
  readonly limits: SandboxLimits;
  /** Where the network `outbound` leads. */
  readonly reach: RelayReach;
}

const resolver = '/etc/resolv.conf';

/** The accounts that tools of the builder find: root's, and that which apt fetches as. */
const accounts = {
  passwd: 'root:x:0:0::/root:/bin/sh\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n',
  group: 'root:x:0:\nnogroup:x:65534:\n',
};

/**
 * What runc says when it could not put a container together, so that nothing of the guest has run. Seen once in some hundred starts of runc
 * 1.1.5 on a busy machine, where it had lost the descriptor of a mount.
 */
const beforeStart =
  /runc run failed: unable to start container process: error during container init: error mounting/;
const startAttempts = 3;

/** A file of the build that a guest sees in place of its own. */
interface Shadow {
  /** On this machine. */
  readonly path: string;
  /** In the guest. */
  readonly target: string;
  readonly content: Buffer;
}

/** Seconds for the removal of a tree. */
const removalTime = 120;

/** A {@link Sandbox} by an OCI runtime. */
export class OciSandbox implements Sandbox {
  readonly #options: OciSandboxOptions;
  readonly #trees: string;
  #runs = 0;
  #count: Count | undefined;
  #disposed: Promise<void> | undefined;

  private constructor(options: OciSandboxOptions) {
    this.#options = options;
    this.#trees = join(options.directory, 'trees');
  }

  static async create(options: OciSandboxOptions): Promise<OciSandbox> {
    const sandbox = new OciSandbox(options);
    await mkdir(options.directory, { mode: 0o700 });
    await mkdir(sandbox.#trees);
    // Whatever umask the agent has: ids of the block pass through this directory, and nobody through the one above it.
    await chmod(sandbox.#trees, 0o711);
    return sandbox;
  }

  async makeTree(name: string): Promise<string> {
    const path = this.#pathOf(name);
    await mkdir(path, { mode: 0o755 });
    await chmod(path, 0o755);
    await this.#giveToGuest(path);
    return path;
  }

  async removeTree(name: string): Promise<void> {
    await this.#remove(this.#pathOf(name), false);
  }

  async guest(
    tree: string,
    file: string,
    args: readonly string[],
    options: GuestOptions = {},
  ): Promise<RunResult> {
    const { stage, shadows = {}, network = 'none' } = options;
    const files = join(this.#options.directory, `files-${++this.#runs}`);
    await mkdir(files, { mode: 0o700 });
    try {
      const shares: Share[] = [];
      if (stage !== undefined) {
        const path = join(files, 'stage');
        await mkdir(path);
        await chmod(path, 0o755);
        for (const [name, content] of Object.entries(stage)) await writeShown(join(path, name), content);
        shares.push({ path, target: stageInGuest });
      }
      const made: string[] = [];
      const laid: Shadow[] = [];
      const shown = Object.entries(shadows);
      if (network === 'outbound') shown.push([resolver, { content: outboundResolver }]);
      for (const [index, [target, shadow]] of shown.entries()) {
        const place = await placeIn(tree, target);
        if (place === 'unusable') continue;
        if (place === 'absent') made.push(target);
        const path = join(files, `shadow-${index}`);
        await writeShown(path, shadow);
        await this.#giveToGuest(path);
        laid.push({ path, target, content: Buffer.from(shadow.content) });
        shares.push({ path, target, writable: true });
      }
      const result = await this.#contain([file, ...args], options, { tree, shares }).finally(() =>
        this.#removeMountPoints(tree, made),
      );
      for (const shadow of laid) await this.#keepWritten(tree, shadow);
      return result;
    } finally {
      await rm(files, { recursive: true, force: true });
    }
  }

  async tool(file: string, args: readonly string[], options: SandboxToolOptions = {}): Promise<RunResult> {
    const { reads = [], writes = [] } = options;
    // Ids of the block own nothing else of the builder, so they write as anybody may.
    for (const path of writes) await chmod(path, 0o666);
    const shares: Share[] = [
      { path: this.#trees, writable: true },
      ...reads.map(path => ({ path })),
      ...writes.map(path => ({ path, writable: true })),
    ];
    const files = join(this.#options.directory, `files-${++this.#runs}`);
    try {
      await mkdir(files, { mode: 0o700 });
      for (const [name, content] of Object.entries(accounts)) {
        await writeShown(join(files, name), { content });
        shares.push({ path: join(files, name), target: `/etc/${name}` });
      }
      if (options.network === 'outbound') {
        await writeShown(join(files, 'resolver'), { content: outboundResolver });
        shares.push({ path: join(files, 'resolver'), target: resolver });
      }
      const env = { HOME: '/tmp', TMPDIR: '/tmp', ...options.env };
      return await this.#contain([file, ...args], { ...options, env }, { shares });
    } finally {
      await rm(files, { recursive: true, force: true });
      for (const path of writes) await chmod(path, 0o644);
    }
  }

  dispose(): Promise<void> {
    this.#disposed ??= this.#remove(this.#options.directory, true).finally(() =>
      this.#options.held.release(),
    );
    return this.#disposed;
  }

  /** Runs a container, and once more when the runtime fails before the program has begun. */
  async #contain(
    command: readonly string[],
    options: GuestOptions | SandboxToolOptions,
    where: Pick<ContainerRun, 'tree' | 'shares'>,
  ): Promise<RunResult> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#containOnce(command, options, where);
      } catch (error) {
        if (attempt === startAttempts || !isBuildError(error) || !beforeStart.test(error.message)) {
          throw error;
        }
        this.#options.log.warn(`the sandbox is started once more: ${error.message}`);
      }
    }
  }

  async #containOnce(
    command: readonly string[],
    options: GuestOptions | SandboxToolOptions,
    where: Pick<ContainerRun, 'tree' | 'shares'>,
  ): Promise<RunResult> {
    const { machine, held, limits, hostname, directory, reach } = this.#options;
    const { network = 'none', env, cwd, inputFile, outputFile } = options;
    const proxied = options.proxied === true && network === 'outbound' && reach.proxies.size > 0;
    const { okStatus, onLine, label = command[0] ?? '', fetches, input, silence, timeout } = options;
    // A proxy may say them in its answers.
    const secrets = [...(options.secrets ?? []), ...(proxied ? proxySecrets(reach.proxies) : [])];
    const end = new AbortController();
    let watch: LimitWatch | undefined;
    let reached: LimitName | undefined;
    const lines: string[] = [];
    let unreached: string | undefined;
    const rest: RunOptions = defined({
      ...{ okStatus, fetches, input, secrets, silence, timeout, label },
      end: end.signal,
      onLine: (line: string, stream: 'stdout' | 'stderr') => {
        lines.push(line);
        if (lines.length > 5) lines.shift();
        if (network === 'none' && unreached === undefined && wantsNetwork(line)) unreached = line;
        onLine?.(line, stream);
      },
    });
    const container: ContainerRun = {
      ...{
        runtime: machine.runtime,
        root: machine.root,
        ids: held.block,
        limits,
        hostname,
        command,
        network,
        reach,
        proxied,
      },
      ...where,
      directory: join(directory, `run-${++this.#runs}`),
      env: { ...guestEnvironment, ...(proxied ? guestProxySettings(reach.proxies) : {}), ...env },
      ...defined({ cwd, inputFile, outputFile }),
      onStart: async cgroup => {
        watch = await LimitWatch.begin(
          { limits, cgroup, directory, ids: held.block, measure: () => this.#measure() },
          this.#count,
          limit => end.abort(limitExceeded(limit, limits, label)),
        );
      },
      onEnd: async () => {
        reached = await watch?.stop();
        this.#count = watch?.count;
      },
    };
    try {
      const result = await runContainer(this.#options.run, container, rest);
      if (reached !== undefined) throw limitExceeded(reached, limits, label);
      return result;
    } catch (error) {
      throw explained(error, { reached, limits, label, lines, unreached });
    }
  }

  async #measure(): Promise<Usage> {
    const { stdout } = await this.#asOwner('du', ['-s', '-x', '--block-size=1', this.#trees]);
    const { stdout: inodes } = await this.#asOwner('du', ['-s', '-x', '--inodes', this.#trees]);
    return { bytes: Number.parseInt(stdout, 10), files: Number.parseInt(inodes, 10) };
  }

  async #removeMountPoints(tree: string, made: readonly string[]): Promise<void> {
    for (const path of made) {
      if (!(await isMountPoint(tree, path))) continue;
      if (this.#options.machine.root) await rm(join(tree, path), { force: true });
      else await this.#asOwner('rm', ['-f', '--', join(tree, path)]);
    }
  }

  /** Makes the guests' root the owner. */
  async #giveToGuest(path: string): Promise<void> {
    const { held, machine } = this.#options;
    if (machine.root) await chown(path, held.block.uid, held.block.gid);
    else await this.#asOwner('chown', ['1:1', path]);
  }

  /** A file that a guest has written while it saw ours in its place is in the tree afterwards. */
  async #keepWritten(tree: string, { path, target, content }: Shadow): Promise<void> {
    const written = await contentOf(path);
    if (written === undefined || written.equals(content)) return;
    const { mode } = await lstat(path);
    const script = 'rm -f -- "$1"; cat >"$1"; chmod "$2" "$1"';
    await this.#contain(
      ['/bin/sh', '-euc', script, 'sh', target, (mode & 0o777).toString(8)],
      { input: written, label: `keeping ${target}` },
      { tree, shares: [] },
    );
  }

  /** Runs a program of this machine as root over the block: nothing of a guest, and nothing that reads more than names. */
  async #asOwner(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const { machine, held, quiet } = this.#options;
    if (machine.root) return await quiet(file, args, { cwd: '/', ...options });
    const { uid, gid } = held.block;
    const map = ['--map-root-user', `--map-users=${uid},1,65536`, `--map-groups=${gid},1,65536`];
    return await quiet('unshare', [...map, '--', file, ...args], { label: file, cwd: '/', ...options });
  }

  async #remove(path: string, evenIfAborted: boolean): Promise<void> {
    await this.#asOwner('rm', ['-rf', '--one-file-system', '--', path], {
      ...{ evenIfAborted, timeout: removalTime },
      env: { TMPDIR: '/tmp' },
    });
  }

  #pathOf(name: string): string {
    if (!/^[a-z][a-z0-9-]{0,40}$/.test(name)) {
      throw new BuildError('internal', `tree ${JSON.stringify(name)}: expected small letters, digits and -`);
    }
    return join(this.#trees, name);
  }
}

async function writeShown(path: string, { content, mode = 0o644 }: SandboxFile): Promise<void> {
  await writeFile(path, content, { flag: 'wx', mode: 0o600 });
  await chmod(path, mode);
}

interface Story {
  readonly reached: LimitName | undefined;
  readonly limits: SandboxLimits;
  readonly label: string;
  readonly lines: readonly string[];
  /** The first line that said that there is no network, where there is none. */
  readonly unreached: string | undefined;
}

/** The failure of a guest in the light of its limits and its network. */
function explained(error: unknown, { reached, limits, label, lines, unreached }: Story): unknown {
  if (!isBuildError(error) || !['tool_failed', 'no_space', 'mirror_unreachable'].includes(error.code)) {
    return error;
  }
  const status = /failed with status (\d+)/.exec(error.message)?.[1];
  const limit = reached ?? limitInFailure(status === undefined ? undefined : Number(status), lines);
  if (limit !== undefined) return limitExceeded(limit, limits, label, error);
  return unreached === undefined ? error : networkOff(label, unreached, error);
}

/** The same without properties that are undefined. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
