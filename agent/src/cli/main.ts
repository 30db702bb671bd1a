import { StandardStreams } from '@imagefactory/qmf/command-line';
import { exitCodes } from './exit-codes.js';
import { runCommand } from './run-command.js';

const write = (text: string) => void process.stdout.write(text);
const complain = (text: string) => void process.stderr.write(text);

const streams = new StandardStreams(process.stdout, process.stderr);
const { exitCode, daemon } = await runCommand(process.argv.slice(2), { write, complain });
let code = exitCode;
// Commands run to their ends also when nobody reads on, so what they found counts. The agent's own log is not its work.
const loss = await streams.flushed();
if (loss?.kind === 'failed' && !daemon) {
  code = exitCodes.outputFailed;
  complain(`imagefactory: ${loss.message}\n`);
  await streams.flushed();
}
// A plugin that was left behind may keep timers and sockets open; nothing of ours is waiting any more.
process.exit(code);
