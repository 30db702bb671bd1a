import { exitCodes } from './exit-codes.js';
import { brokenPipe, processIo, sharedController } from './io.js';
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
    stop.abort(brokenPipe);
  });
}

const code = await runCli(process.argv.slice(2), processIo(stop.signal));
await Promise.all([process.stdout, process.stderr].map(flushed));
// All is done and told; what is left of a connection that broke must not keep the user waiting.
process.exit(ending ?? code);

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise(resolve => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write('', () => resolve());
  });
}
