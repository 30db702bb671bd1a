/** Runs outside tools for a build: never through a shell, output line by line to the build's log, killed as a process group. */
export interface ToolRunner {
  /**
   * Runs `file` with `args` and resolves when it has exited with a status in `okStatus` (default `[0]`).
   * Rejects with a {@link BuildError}: `tool_missing` when there is no such program, `tool_failed` with its last lines
   * otherwise, `aborted` or `timeout` when it had to be killed.
   */
  (file: string, args: readonly string[], options?: RunOptions): Promise<RunResult>;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Added to a minimal environment (`PATH`, `HOME`, `LANG=C.UTF-8`, `TMPDIR` = scratch). */
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes or text for standard input; may hold a secret, it is not logged. */
  readonly input?: string | Uint8Array;
  /** Seconds; default none beyond the build's own timeout. */
  readonly timeout?: number;
  /** Seconds without a byte of output after which the tool counts as stuck; default the agent's `--tool-silence`, 0 for ever. */
  readonly silence?: number;
  /** Milliseconds between SIGTERM and SIGKILL when the tool has to be ended; default the runner's. */
  readonly grace?: number;
  /** Ends the tool when it fires. The call rejects with its reason, a {@link BuildError}. */
  readonly end?: AbortSignal;
  /** Words to log instead of `file` and `args`, where those only lead to the tool. */
  readonly shown?: readonly string[];
  readonly okStatus?: readonly number[];
  /** Arguments to show as `***` in the log. */
  readonly secrets?: readonly string[];
  /**
   * Run to the end (or to `timeout`) although the build has been aborted: for tidying up, nothing else. Give a `timeout` with it.
   */
  readonly evenIfAborted?: boolean;
  /** What errors call the tool instead of `file`, e.g. `command "setup"` for a script run through three other programs. */
  readonly label?: string;
  /**
   * Whether the tool gets packages or other things from elsewhere; default false. If so, what it says last about servers, packages and
   * credentials becomes the code of the failure (`mirror_unreachable` and so on). Not for commands of a template: they may print such words
   * and fail for another reason.
   */
  readonly fetches?: boolean;
  /** Called for each line of output as it comes, e.g. to derive progress. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

export interface RunResult {
  /** Standard output, at most the last 1 MiB. */
  readonly stdout: string;
  readonly status: number;
}
