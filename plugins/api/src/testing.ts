import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildLog } from './build-log.js';
import type { BuildContext, Progress } from './context.js';
import type { RunOptions, RunResult, ToolRunner } from './runner.js';
import type { Credentials } from './push.js';
import type { GuestOptions, Sandbox, Sandboxes, SandboxToolOptions } from './sandbox/sandbox.js';
import { createSandboxes, type SandboxSettings } from './sandbox/settings.js';
import { StageCache } from './stage-cache.js';
import type { Template } from './template.js';
import { createToolRunner } from './tool-runner.js';
import { createUrlRule } from './urls/url-rule.js';

/** Helpers for the tests of plugins, ours and other people's. */

/** A log that keeps its lines, each with its level before it: `info: …`. */
export function recordingLog(): BuildLog & { readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (line: string) => void lines.push(`${level}: ${line}`);
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Progress that keeps the overall fraction after each report, and the activities in the order of their start. */
export function recordingProgress(): Progress & {
  readonly fractions: number[];
  readonly activities: string[];
} {
  const fractions: number[] = [];
  const activities: string[] = [];
  const node = (start: number, size: number): Progress => {
    let done = 0;
    const report = (fraction: number) => {
      done = Math.max(done, Math.min(1, fraction));
      fractions.push(start + size * done);
    };
    return {
      update: report,
      async step(activity, share, work) {
        activities.push(activity);
        const result = await work(node(start + size * done, size * share));
        report(done + share);
        return result;
      },
    };
  };
  return { ...node(0, 1), fractions, activities };
}

export interface RecordedRun {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: RunOptions;
}

/** A runner that starts nothing: it keeps each call and answers with what `answer` returns (by default success, no output). */
export function fakeRunner(
  answer: (run: RecordedRun) => RunResult | string | Promise<RunResult | string> = () => '',
): ToolRunner & { readonly runs: RecordedRun[] } {
  const runs: RecordedRun[] = [];
  const run: ToolRunner = async (file, args, options = {}) => {
    const record = { file, args, options };
    runs.push(record);
    const result = await answer(record);
    return typeof result === 'string' ? { stdout: result, status: 0 } : result;
  };
  return Object.assign(run, { runs });
}

export interface FakeContext extends BuildContext {
  /** What was made and neither kept nor removed. */
  readonly left: ReadonlySet<string>;
  readonly progress: ReturnType<typeof recordingProgress>;
  readonly log: ReturnType<typeof recordingLog>;
  /** With `run: 'real'` it records nothing. */
  readonly sandbox: ReturnType<typeof fakeSandboxes>;
  /** Aborts the build. */
  abort(): void;
  /** Removes scratch and cache. */
  dispose(): Promise<void>;
}

/** A call of a fake sandbox's `guest` or, without a tree, `tool`. */
export interface RecordedSandboxRun {
  readonly tree?: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly options: GuestOptions & SandboxToolOptions;
}

/**
 * Sandboxes whose programs are calls of a runner, usually a {@link fakeRunner}; what only a sandbox has is kept in `runs`.
 *
 * @param directory where the trees are made
 */
export function fakeSandboxes(
  run: ToolRunner,
  directory: string,
): Sandboxes & { readonly runs: RecordedSandboxRun[]; readonly disposed: number } {
  const runs: RecordedSandboxRun[] = [];
  let disposed = 0;
  const call = (recorded: RecordedSandboxRun): Promise<RunResult> => {
    runs.push(recorded);
    const { file, args, options } = recorded;
    return run(file, args, { label: file, ...options });
  };
  const sandbox: Sandbox = {
    async makeTree(name) {
      const tree = join(directory, name);
      await mkdir(tree);
      return tree;
    },
    removeTree: name => rm(join(directory, name), { recursive: true, force: true }),
    guest: (tree, file, args, options = {}) => call({ tree, file, args, options }),
    tool: (file, args, options = {}) => call({ file, args, options }),
    dispose: () => {
      disposed += 1;
      return Promise.resolve();
    },
  };
  return {
    runs,
    get disposed() {
      return disposed;
    },
    commandNetwork: 'none',
    open: () => Promise.resolve(sandbox),
  };
}

export interface FakeContextOptions {
  /** Default: a {@link fakeRunner}; `'real'` runs the tools, and opens real sandboxes. */
  readonly run?: ToolRunner | 'real';
  /** Settings of real sandboxes. */
  readonly sandbox?: SandboxSettings;
  /** Default: a new empty directory, removed by `dispose`. */
  readonly cache?: string;
}

/** A build context over a new temporary directory. Call `dispose` at the end of the test. */
export async function fakeContext(options: FakeContextOptions = {}): Promise<FakeContext> {
  const directory = await mkdtemp(join(tmpdir(), 'plugin-test-'));
  const scratch = join(directory, 'scratch');
  const cache = options.cache ?? join(directory, 'cache');
  await mkdir(scratch);
  await mkdir(cache, { recursive: true });
  const controller = new AbortController();
  const { signal } = controller;
  const log = recordingLog();
  const left = new Set<string>();
  const stages = new StageCache({ directory: join(cache, 'stages') }).for({ log, signal, scratch });
  const run =
    options.run === 'real' ? createToolRunner({ log, scratch, signal }) : (options.run ?? fakeRunner());
  const real = createSandboxes(options.sandbox ?? {}, { log, signal, scratch, run });
  return {
    urls: createUrlRule({ ...(options.run === 'real' ? {} : { resolve: noAddresses }), ...options.sandbox }),
    sandbox: options.run === 'real' ? { ...real, runs: [], disposed: 0 } : fakeSandboxes(run, scratch),
    signal,
    progress: recordingProgress(),
    scratch,
    cache,
    log,
    run,
    left,
    made: (what, remove) => {
      left.add(what);
      return {
        keep: () => void left.delete(what),
        remove: async () => {
          await remove();
          left.delete(what);
        },
      };
    },
    exclusive: (_name, work) => work(),
    stage: (name, inputs, make, options) => stages.run(name, inputs, make, options),
    abort: () => controller.abort(),
    dispose: async () => {
      await stages.release();
      await real.release();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Tests without a real network look up no names. */
function noAddresses(name: string): Promise<never> {
  return Promise.reject(new Error(`${name} is not looked up`));
}

/** A template with nothing in it but what is given. */
export function fakeTemplate(parts: Partial<Template> = {}): Template {
  return {
    name: '',
    packages: [],
    repositories: [],
    files: [],
    commands: [],
    precommands: [],
    text: '',
    ...parts,
  };
}

/** Credentials of the kinds given. */
export function fakeCredentials(
  kinds: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Credentials {
  const known = new Map(Object.entries(kinds));
  return { kinds: [...known.keys()], of: kind => known.get(kind) };
}
