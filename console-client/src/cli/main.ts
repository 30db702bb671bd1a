import { StandardStreams } from '@imagefactory/qmf/command-line';
import { CliError } from './errors.js';
import { exitCodes } from './exit-codes.js';
import { processIo, sharedController } from './io.js';
import { Output } from '../terminal/output.js';
import { runCli } from './run.js';

/** Runs the command line as a program of its own: with the arguments, streams and signals of this process, which then ends. */
export async function main(): Promise<never> {
  const stop = sharedController();
  let ending: number | undefined;
  const end = (code: number): void => {
    if (ending !== undefined) process.exit(ending); // asked a second time: no more patience
    ending = code;
    stop.abort();
  };
  process.on('SIGINT', () => end(exitCodes.interrupted));
  process.on('SIGTERM', () => end(exitCodes.terminated));

  const streams = new StandardStreams(process.stdout, process.stderr);
  const args = process.argv.slice(2);
  const io = processIo(stop.signal, streams);
  const code = await runCli(args, io);
  const loss = await streams.flushed();
  let lostCode: number | undefined;
  if (loss?.kind === 'failed') {
    lostCode = exitCodes.outputFailed;
    const json = args.includes('--json') || args.includes('-j');
    new Output(io, { json }).error(new CliError('output_failed', lostCode, loss.message));
    await streams.flushed();
  } else if (loss?.kind === 'closed' && code === exitCodes.interrupted) lostCode = exitCodes.outputClosed;
  // All is done and told; what is left of a connection that broke must not keep the user waiting.
  process.exit(ending ?? lostCode ?? code);
}
