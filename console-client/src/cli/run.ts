import { createRequire } from 'node:module';
import { type GlobalOptions, readSettings } from './args/settings.js';
import { type Bus, heldUpError, openBus } from './bus.js';
import type { Action, Context } from './context.js';
import { toShownError, silence } from './commander.js';
import { exitCodes } from './exit-codes.js';
import { anySignal, type Io } from './io.js';
import { Output } from '../terminal/output.js';
import { buildProgram } from './program.js';
import { replCommand } from './repl/repl.js';

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
  const program = buildProgram({
    run,
    prefix: 'imagefactory-console ',
    version: packageVersion(),
    repl: replCommand,
  });
  silence(program, text => void io.stdout.write(text), io.stdout.columns);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    const shown = toShownError(error, args);
    // Help was wanted and shown; who interrupts knows why it ends; and lost output is told by the program.
    const isKnown = shown.exitCode === exitCodes.ok || io.signal.aborted || io.output.lost.aborted;
    if (!isKnown) new Output(io, { json: isJson }).error(shown);
    return shown.exitCode;
  }
}

/** A command with a bus of its own, which it opens when it first needs it. */
async function runOnce(options: GlobalOptions, action: Action, io: Io): Promise<number> {
  const settings = readSettings(options, io.env);
  let opening: Promise<Bus> | undefined;
  const out = new Output(io, settings);
  const context: Context = {
    io,
    settings,
    signal: anySignal(io.signal, io.output.lost),
    followSignal: anySignal(io.signal, io.output.failed),
    out,
    bus: () => (opening ??= openBus(settings, io.signal, text => out.note(`warning: ${text}`))),
    mayReadStdin: true,
  };
  try {
    return await action(context);
  } catch (error) {
    throw (
      (await opening?.then(bus => heldUpError(bus.console.connection, error)).catch(() => error)) ?? error
    );
  } finally {
    // A bus that could not be opened was told already.
    await opening?.then(bus => bus.console.close()).catch(() => undefined);
  }
}

function packageVersion(): string {
  // The path holds in the source tree and in the installed package alike: <package>/dist/cli/run.js.
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }; // npm demands the field
  return version;
}
