import { createRequire } from 'node:module';
import { type Command, CommanderError } from 'commander';
import { type GlobalOptions, readSettings } from './args/settings.js';
import { type Bus, openBus } from './bus.js';
import type { Action, Context } from './context.js';
import { type CliError, toCliError, usageError } from './errors.js';
import { exitCodes } from './exit-codes.js';
import type { Io } from './io.js';
import { Output } from './output/output.js';
import { buildProgram } from './program.js';

/**
 * Runs the command line once.
 *
 * @param args without the names of node and of the script
 * @returns the exit code; what happened has been told on the streams by then
 */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  const isJson = args.includes('--json') || args.includes('-j');
  let exitCode: number = exitCodes.ok;
  const run = async (options: GlobalOptions, action: Action): Promise<void> => {
    exitCode = await runOnce(options, action, io);
  };
  const program = buildProgram({ version: packageVersion(), run });
  silence(program, io);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    const shown = fromCommander(error);
    if (io.signal.aborted) return shown.exitCode;
    new Output(io, { json: isJson }).error(shown);
    return shown.exitCode;
  }
}

/** A command with a bus of its own, which it opens when it first needs it. */
async function runOnce(options: GlobalOptions, action: Action, io: Io): Promise<number> {
  const settings = readSettings(options, io.env);
  let opening: Promise<Bus> | undefined;
  const context: Context = {
    io,
    settings,
    signal: io.signal,
    out: new Output(io, settings),
    bus: () => (opening ??= openBus(settings, io.signal)),
    mayReadStdin: true,
  };
  try {
    return await action(context);
  } finally {
    // A bus that could not be opened was told already.
    await opening?.then(bus => bus.console.close()).catch(() => undefined);
  }
}

/** Errors are told by us, in one line; help goes where results go. */
export function silence(command: Command, io: Io): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: text => void io.stdout.write(text),
    writeErr: () => undefined,
    getOutHelpWidth: () => io.stdout.columns ?? 80,
  });
  for (const child of command.commands) silence(child, io);
}

/** Commander's own errors are wrong use, with the text it has for them. */
export function fromCommander(error: unknown): CliError {
  if (!(error instanceof CommanderError)) return toCliError(error);
  if (error.code === 'commander.help') {
    return usageError('a command is wanted', 'see what there is with --help');
  }
  const [message = '', hint] = error.message.replace(/^error: /, '').split('\n');
  return usageError(message, hint === undefined ? 'see --help' : hint.replace(/^\((.*)\)$/, '$1'));
}

function packageVersion(): string {
  // The path holds in the source tree and in the installed package alike: <package>/dist/cli/run.js.
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }; // npm demands the field
  return version;
}
