import { existsSync } from 'node:fs';
import type { BuildLog } from './build-log.js';
import { BuildError } from './errors.js';
import { LineSplitter, maxLineLength, Tail } from './lines.js';
import { createMask, type Mask } from './mask.js';
import { type GroupEnd, spawnGroup } from './process-group.js';
import { type Recognised, recogniseLines } from './recognise.js';
import type { RunOptions, RunResult, ToolRunner } from './runner.js';
import { toolPath } from './which.js';

export interface ToolRunnerOptions {
  /** Command lines go there as `info`, output as `debug`; secrets are masked in both. */
  readonly log: BuildLog;
  /** Working directory of the tools and their `TMPDIR`. */
  readonly scratch: string;
  /** When it fires, the running tools are ended and later calls are refused. */
  readonly signal: AbortSignal;
  /** Words to hide in the log whatever the tool, such as the template's root password. */
  readonly secrets?: readonly string[];
  /** Milliseconds between SIGTERM and SIGKILL; default 3000. */
  readonly grace?: number;
  /** Seconds without output after which a tool counts as stuck, unless its call says otherwise; default and 0: never. */
  readonly silence?: number;
  /** Told of each process group that is started; what it gives is called when the group is gone. */
  readonly onGroup?: (pid: number) => () => void;
}

const stdoutLimit = 1024 * 1024;
const linesForError = 20;

/** Makes the {@link ToolRunner} of one build. Each tool is a process group of its own and never sees a shell. */
export function createToolRunner(options: ToolRunnerOptions): ToolRunner {
  return (file, args, runOptions = {}) => new ToolRun(options, file, args, runOptions).result();
}

/** Why a tool was ended by us. */
type Interruption =
  | { readonly kind: 'none' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'timeout'; readonly seconds: number }
  | { readonly kind: 'silence'; readonly seconds: number }
  | { readonly kind: 'ended'; readonly error: unknown }
  | { readonly kind: 'listener-failed'; readonly error: unknown };

class ToolRun {
  readonly #options: ToolRunnerOptions;
  readonly #file: string;
  readonly #args: readonly string[];
  readonly #run: RunOptions;
  /** What errors call the tool. */
  readonly #label: string;
  readonly #mask: Mask;
  readonly #stdout = new Tail(stdoutLimit);
  readonly #lastLines: string[] = [];
  /** A full disk, said anywhere in the output: what follows it may be long. */
  #noSpace: Recognised | undefined;
  #interruption: Interruption = { kind: 'none' };
  #stop: () => void = () => undefined;

  constructor(options: ToolRunnerOptions, file: string, args: readonly string[], run: RunOptions) {
    this.#options = options;
    this.#file = file;
    this.#args = args;
    this.#run = run;
    this.#label = run.label ?? file;
    this.#mask = createMask([...(options.secrets ?? []), ...(run.secrets ?? [])]);
  }

  async result(): Promise<RunResult> {
    const { log, scratch } = this.#options;
    const { cwd = scratch, env, input, timeout, silence = this.#options.silence ?? 0, end } = this.#run;
    const grace = this.#run.grace ?? this.#options.grace ?? 3000;
    const signal = this.#run.evenIfAborted === true ? undefined : this.#options.signal;
    if (signal?.aborted === true) throw this.#aborted();
    if (end?.aborted === true) throw BuildError.from(end.reason);

    const words = (this.#run.shown ?? [this.#file, ...this.#args]).map(word =>
      this.#mask.value(word) === '***' ? '***' : quote(word),
    );
    log.info(this.#mask(`$ ${words.join(' ')}`));
    const splitters = { stdout: this.#splitter('stdout'), stderr: this.#splitter('stderr') };
    const quiet =
      silence === 0
        ? undefined
        : setTimeout(() => this.#interrupt({ kind: 'silence', seconds: silence }), silence * 1000);
    const group = spawnGroup(this.#file, this.#args, {
      cwd,
      env: { ...baseEnvironment(scratch), ...env },
      ...(input === undefined ? {} : { input: Buffer.from(input) }),
      grace,
      onData: (chunk, stream) => {
        quiet?.refresh();
        if (stream === 'stdout') this.#stdout.push(chunk);
        splitters[stream].push(chunk);
      },
    });
    const onGone = group.pid === undefined ? undefined : this.#options.onGroup?.(group.pid);
    this.#stop = group.stop;
    const onAbort = () => this.#interrupt({ kind: 'aborted' });
    signal?.addEventListener('abort', onAbort, { once: true });
    const onEnd = () => this.#interrupt({ kind: 'ended', error: end?.reason });
    end?.addEventListener('abort', onEnd, { once: true });
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => this.#interrupt({ kind: 'timeout', seconds: timeout }), timeout * 1000);
    try {
      const outcome = await group.ended;
      splitters.stdout.end();
      splitters.stderr.end();
      return this.#judge(outcome);
    } finally {
      onGone?.();
      clearTimeout(timer);
      clearTimeout(quiet);
      signal?.removeEventListener('abort', onAbort);
      end?.removeEventListener('abort', onEnd);
    }
  }

  #interrupt(reason: Interruption): void {
    if (this.#interruption.kind !== 'none') return;
    this.#interruption = reason;
    this.#stop();
  }

  #splitter(stream: 'stdout' | 'stderr'): LineSplitter {
    return new LineSplitter(raw => {
      const line = this.#mask(raw).slice(0, maxLineLength);
      this.#options.log.debug(line);
      this.#lastLines.push(line);
      if (this.#lastLines.length > linesForError) this.#lastLines.shift();
      this.#noSpace ??= recogniseLines([line], false);
      try {
        this.#run.onLine?.(line, stream);
      } catch (error) {
        this.#interrupt({ kind: 'listener-failed', error });
      }
    }, this.#mask.longest);
  }

  #judge(end: GroupEnd): RunResult {
    const interruption = this.#interruption;
    switch (interruption.kind) {
      case 'aborted':
        throw this.#aborted();
      case 'timeout':
        throw new BuildError('timeout', `${this.#label} did not finish within ${interruption.seconds} s`);
      case 'silence':
        throw new BuildError(
          'timeout',
          `${this.#label} said nothing for ${interruption.seconds} s and was ended`,
        );
      case 'ended':
      case 'listener-failed':
        throw BuildError.from(interruption.error);
      case 'none':
        break;
    }
    switch (end.kind) {
      case 'not-started':
        throw this.#notStarted(end.code, end.cause);
      case 'killed':
        throw this.#failed(`was killed by ${end.signal}`);
      case 'exited':
        if ((this.#run.okStatus ?? [0]).includes(end.status)) {
          return { stdout: this.#stdout.toString(), status: end.status };
        }
        throw this.#failed(`failed with status ${end.status}`);
    }
  }

  #aborted(): BuildError {
    return new BuildError('aborted', `the build was aborted before ${this.#label} had finished`);
  }

  #notStarted(code: string, cause: unknown): BuildError {
    const { cwd } = this.#run;
    // The system reports a missing working directory just as it reports a missing program.
    if (code === 'ENOENT' && cwd !== undefined && !existsSync(cwd)) {
      return new BuildError('internal', `${this.#label} was to run in ${cwd}, which does not exist`, {
        cause,
      });
    }
    if (code === 'ENOENT') return new BuildError('tool_missing', `${this.#file} is not installed`, { cause });
    if (code === 'EACCES') return new BuildError('not_permitted', `${this.#label} may not be run`, { cause });
    return new BuildError('tool_failed', `${this.#label} could not be started (${code})`, { cause });
  }

  #failed(how: string): BuildError {
    const lines = this.#lastLines;
    const cause = new Error(lines.join('\n'));
    const recognised = recogniseLines(lines, this.#run.fetches ?? false) ?? this.#noSpace;
    if (recognised !== undefined) {
      return new BuildError(recognised.code, `${this.#label} ${how}: ${recognised.text}`, { cause });
    }
    const last = lines.at(-1);
    return new BuildError('tool_failed', `${this.#label} ${how}${last === undefined ? '' : `: ${last}`}`, {
      cause,
    });
  }
}

function baseEnvironment(scratch: string): Record<string, string> {
  return { PATH: toolPath(), HOME: process.env['HOME'] ?? '/', LANG: 'C.UTF-8', TMPDIR: scratch };
}

/** A word as one would type it in a shell; for reading only, nothing is ever run from it. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
