/**
 * For the author of a console or orchestrator who wants to know what it does when the bus fails: a broker that misbehaves on
 * request. Runs on a broker and an agent of its own.
 *
 * Usage: node examples/dist/broken-bus.js
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundledPlugins, startAgent } from '@imagefactory/agent';
import { connectConsole } from '@imagefactory/console-client';
import { amqp10, QmfError } from '@imagefactory/qmf';
import { startBroker } from '@imagefactory/qmf/broker';

const directory = await mkdtemp(join(tmpdir(), 'broken-bus-'));
const broker = await startBroker();
const agent = await startAgent({
  bus: amqp10(broker.url),
  plugins: bundledPlugins(),
  imageDirectory: directory,
});
const client = await connectConsole({ broker: broker.url });
const factory = await client.findFactory();
const order = { descriptor: '<template></template>', target: 'mock' };

// The answer to a call is lost. Whether it was carried out nobody can tell; only the caller's time runs out.
const lost = broker.faults.publish('drop', { subject: 'direct-console.#', times: 1 });
try {
  await factory.buildImage(order, { timeout: 300 });
} catch (error) {
  if (!(error instanceof QmfError)) throw error;
  console.log(`answers lost: ${lost.hits}, and the call ended with ${error.code}`);
}

// The connections break in the middle of a build. Its end is heard all the same.
const build = await factory.buildImage(order);
broker.dropConnections();
console.log(`made ${await build.finished()}`);

await client.close();
await agent.stop();
await broker.stop();
await rm(directory, { recursive: true });
