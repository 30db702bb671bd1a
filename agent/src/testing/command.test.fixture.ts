import { runCommand } from '../cli/run-command.js';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command `imagefactory` in this process, many times faster than as a program. */
export async function runProgram(...args: readonly string[]): Promise<Ran> {
  const text = { stdout: '', stderr: '' };
  const { exitCode } = await runCommand(args, {
    write: words => {
      text.stdout += words;
    },
    complain: words => {
      text.stderr += words;
    },
  });
  return { status: exitCode, ...text };
}
