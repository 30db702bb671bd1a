import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { guardGroup, signalGroup } from './process-group.js';
import { until } from './until.js';

/** The checkout that is tested. */
export const projectRoot = resolve(import.meta.dirname, '../../..');

export const programs = {
  agent: join(projectRoot, 'agent/bin/imagefactory.js'),
  console: join(projectRoot, 'console-client/bin/imagefactory-console.js'),
} as const;

export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** A process group of its own, signalled as a whole, and killed when this process dies of whatever cause. */
  readonly group?: boolean;
}

/** A program of ours (or another) as a child process, with what it printed. */
export class Program {
  stdout = '';
  stderr = '';
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #group: boolean;
  #exit: Exit | undefined;

  constructor(file: string, args: readonly string[], options: ProgramOptions = {}) {
    this.#group = options.group ?? false;
    const script = file.endsWith('.js');
    this.#child = spawn(script ? process.execPath : file, script ? [file, ...args] : args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      cwd: options.cwd ?? projectRoot,
      detached: this.#group,
    });
    const release = this.#group && this.#child.pid !== undefined ? guardGroup(this.#child.pid) : undefined;
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (status, signal) => {
        release?.();
        this.#exit = { status, signal };
        resolve(this.#exit);
      });
    });
  }

  /** Runs a program to its end. */
  static async run(
    file: string,
    args: readonly string[],
    options: ProgramOptions & { readonly input?: string; readonly timeout?: number } = {},
  ): Promise<Program & { status: number | null }> {
    const program = new Program(file, args, options);
    program.#child.stdin.end(options.input ?? '');
    const timer = setTimeout(() => program.kill('SIGKILL'), options.timeout ?? 150_000);
    const { status } = await program.exited;
    clearTimeout(timer);
    return Object.assign(program, { status });
  }

  /** Writes to its standard input. */
  say(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  get output(): string {
    return this.stdout + this.stderr;
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.#group) signalGroup(this.pid, signal);
    else this.#child.kill(signal);
  }

  /** Waits for something in its output. */
  async says(pattern: RegExp, timeout = 60_000): Promise<void> {
    await until(
      `${pattern.source} is printed`,
      () => pattern.test(this.output) || !this.running,
      timeout,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it printed:\n${this.output}`);
    });
    if (!pattern.test(this.output))
      throw new Error(`it ended without printing ${pattern.source}:\n${this.output}`);
  }

  /**
   * Ends it the orderly way, by force only if it must be.
   *
   * @param patience milliseconds before it is killed
   */
  async stop(patience = 60_000): Promise<Exit> {
    if (this.#exit !== undefined) return this.#exit;
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), patience);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }
}
