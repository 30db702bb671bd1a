/**
 * For the author of a program that must miss nothing: it orders with a key, reads the history of a build, and processes the events of all builds from
 * where it stopped.
 *
 * Usage: node examples/dist/reader.js [BROKER]
 */
import { randomUUID } from 'node:crypto';
import { connectConsole, QmfError } from '@imagefactory/console-client';

const client = await connectConsole({ broker: process.argv[2] ?? 'localhost' });
const factory = await client.findFactory({ leastLoaded: true });

// To be kept with the order, by a program that may be restarted.
const orderKey = randomUUID();
const order = { descriptor: '<template></template>', target: 'mock', orderKey };

async function ordered() {
  try {
    return await factory.buildImage(order);
  } catch (error) {
    if (!(error instanceof QmfError) || !error.mayHaveBeenExecuted) throw error;
    return await factory.buildImage(order);
  }
}

const build = await ordered();
const again = await factory.buildImage(order);
console.log(`the same key, the same build: ${again.name === build.name}`);
await build.finished();

for await (const change of build.changes({ from: 'beginning' })) {
  if (change.kind === 'status') console.log(`${change.sequence ?? '-'}: ${change.status}`);
}

// Kept by a program that may be restarted.
let position = 1;
for await (const event of factory.events({ from: position })) {
  const { kind, sequence, address } = event;
  position = sequence;
  if (kind === 'status' && event.status === 'COMPLETED' && address?.objectName === build.name) break;
}
console.log(`processed all up to ${position}`);

const { items } = await factory.jobs({
  where: { status: 'completed', target: 'mock' },
  sort: ['-created'],
  limit: 1,
});
for (const job of items) console.log(`${job.id} ${job.kind} ${job.status}`);

await client.close();
