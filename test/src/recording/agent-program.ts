import { once } from 'node:events';
import { join } from 'node:path';
import { startAgent } from '@imagefactory/agent';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10 } from '@imagefactory/qmf';

/**
 * An agent with one place for builds, as a process that can be killed. It loads its code, waits for a line on standard input, and only then
 * starts, so that the next one can be made ready while this one runs. Arguments: address of the broker, directory, milliseconds of a step of
 * the mock plugins, and `resumable` if their builds can be resumed.
 */
const [broker = '', directory = '', delay = '0', resumable] = process.argv.slice(2);
const mock = { stepDelay: Number(delay), resumable: resumable === 'resumable' };

await once(process.stdin, 'data');
const agent = await startAgent({
  bus: amqp10(broker),
  plugins: [mockOs(mock), mockCloud(mock)],
  imageDirectory: join(directory, 'images'),
  temporaryDirectory: join(directory, 'tmp'),
  maxConcurrent: 1,
});
process.once('SIGTERM', () => void agent.stop().then(() => process.exit()));
await agent.ready({ timeout: 60_000 });
console.log('ready');
