import { once } from 'node:events';
import { join } from 'node:path';
import { loggerTo, startAgent } from '@imagefactory/agent';
import type { OsPlugin } from '@imagefactory/plugin-api';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10 } from '@imagefactory/qmf';

/**
 * An agent for the kill test: it loads its code, waits for a line on standard input, and only then starts, so that the next one can be
 * made ready while this one runs. Its builds take some tens of milliseconds and start an outside tool each.
 *
 * Arguments: address of the broker, directory, whether builds are begun once more (`resumable`), and the milliseconds of a step.
 */
const [broker = '', directory = '', resuming, pause = '4'] = process.argv.slice(2);
const stepDelay = Number(pause);

const mock = mockOs({ stepDelay, resumable: resuming === 'resumable' });
const withTool: OsPlugin = {
  ...mock,
  async buildBase(template, context) {
    await context.run('sh', ['-c', 'sleep 0.02']);
    return mock.buildBase(template, context);
  },
};

await once(process.stdin, 'data');
const agent = await startAgent({
  bus: amqp10(broker),
  plugins: [withTool, mockCloud({ stepDelay })],
  imageDirectory: join(directory, 'images'),
  temporaryDirectory: join(directory, 'tmp'),
  maxConcurrent: 2,
  keepFinishedCount: 1_000_000,
  interval: 1,
  log: loggerTo((level, message) => {
    if (level === 'error' || level === 'warn') console.log(`${level}: ${message}`);
  }),
});
console.log(`started ${agent.name}`);
