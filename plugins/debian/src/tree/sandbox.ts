import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError, type RunOptions, type RunResult, type ToolRunner } from '@imagefactory/plugin-api';
import { enterScript } from './enter-script.js';

/** Who the build runs as: the superuser, or an ordinary user who is root in a user namespace of their own. */
export type Privilege = 'root' | 'user-namespace';

export function privilege(uid = process.getuid?.()): Privilege {
  return uid === 0 ? 'root' : 'user-namespace';
}

/** Arguments of `unshare` that make the caller root over a range of ids; none for those who are root already. */
export function identityArguments(who: Privilege): readonly string[] {
  return who === 'root' ? [] : ['--map-root-user', '--map-auto'];
}

/**
 * Arguments of `unshare` for a tool that mounts. When it ends, however it ends, the kernel ends all its processes and undoes all
 * its mounts, for they live in namespaces that end with it.
 */
export const mountArguments: readonly string[] = [
  '--mount',
  '--propagation',
  'private',
  '--pid',
  '--fork',
  '--kill-child',
];

export interface GuestOptions extends RunOptions {
  /** Directory that the guest sees as `/run/imagefactory`, read-only by convention. */
  readonly stage: string;
}

/** Where the guest sees the stage directory. */
export const stageInGuest = '/run/imagefactory';

/** Runs tools on trees whose files belong to root and to other system users, without the builder having to be root. */
export class Sandbox {
  readonly #run: ToolRunner;
  readonly #who: Privilege;
  #stages = 0;
  /** A directory of the build that belongs to the sandbox. */
  readonly work: string;

  private constructor(run: ToolRunner, work: string, who: Privilege) {
    this.#run = run;
    this.work = work;
    this.#who = who;
  }

  /** Makes the directory `work`; {@link dispose} removes it with all that is in it, whoever owns it. */
  static async create(run: ToolRunner, work: string, who = privilege()): Promise<Sandbox> {
    await mkdir(join(work, 'tmp'), { recursive: true });
    const script = join(work, 'enter.sh');
    await writeFile(script, enterScript);
    await chmod(script, 0o755);
    return new Sandbox(run, work, who);
  }

  /** Runs a tool of the builder as root over the build's files. */
  async host(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const identity = identityArguments(this.#who);
    const withTmp = this.#options(file, options);
    if (identity.length === 0) return this.#run(file, args, withTmp);
    return this.#run('unshare', [...identity, '--', file, ...args], withTmp);
  }

  /** As {@link host}, for a tool that mounts things and takes care of a tree by itself. */
  async mounting(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const all = [...identityArguments(this.#who), ...mountArguments, '--', file, ...args];
    return this.#run('unshare', all, this.#options(file, options));
  }

  /** Runs a program of the guest, as root, with the tree as its root directory and with its own `/proc`, `/dev` and `/run`. */
  async guest(
    tree: string,
    file: string,
    args: readonly string[],
    options: GuestOptions,
  ): Promise<RunResult> {
    const { stage, env, ...rest } = options;
    const settings = Object.entries({ ...guestEnvironment, ...env }).map(
      ([name, value]) => `${name}=${value}`,
    );
    const enter = [join(this.work, 'enter.sh'), tree, stage];
    const inside = ['/usr/bin/env', '-i', ...settings, file, ...args];
    return this.mounting('/bin/sh', [...enter, ...inside], { label: file, ...rest });
  }

  /** A new directory whose contents a guest can be shown. */
  async freshStage(): Promise<string> {
    this.#stages += 1;
    const stage = join(this.work, `stage-${this.#stages}`);
    await mkdir(stage);
    return stage;
  }

  /** Removes everything, even after an abort: in a user namespace the files belong to ids that the builder can't delete. */
  async dispose(): Promise<void> {
    await this.host('rm', ['-rf', '--one-file-system', '--', this.work], {
      cwd: '/',
      evenIfAborted: true,
      timeout: 120,
      env: { TMPDIR: '/tmp' },
    });
  }

  #options(label: string, options: RunOptions): RunOptions {
    return { label, ...options, env: { TMPDIR: join(this.work, 'tmp'), ...options.env } };
  }
}

const guestEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
  DEBIAN_FRONTEND: 'noninteractive',
};

/** Says that the machine forbids namespaces, where that is what made `unshare` fail. */
export function explainRefusal(error: unknown): BuildError {
  const failure = BuildError.from(error);
  if (failure.code !== 'tool_failed' || !/unshare|newuidmap|newgidmap|uid_map/.test(failure.message))
    return failure;
  return new BuildError(
    'not_permitted',
    `this machine does not let the builder make the namespaces it needs (${failure.message}); imagefactory doctor says more`,
    { cause: failure },
  );
}
