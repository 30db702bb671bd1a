import { exitCodes } from './exit-codes.js';
import { processIo, sharedController } from './io.js';
import { runCli } from './run.js';

const stop = sharedController();
let ending: number | undefined;

function end(code: number): void {
  if (ending !== undefined) process.exit(ending); // asked a second time: no more patience
  ending = code;
  stop.abort();
}

process.on('SIGINT', () => end(exitCodes.interrupted));
process.on('SIGTERM', () => end(exitCodes.terminated));
for (const stream of [process.stdout, process.stderr]) {
  // Whoever read our output has enough of it, which is their right.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    ending ??= exitCodes.ok;
    stop.abort();
  });
}

const code = await runCli(process.argv.slice(2), processIo(stop.signal));
process.exitCode = ending ?? code;
