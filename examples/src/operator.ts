/**
 * For an operator in a hurry: which agents are there, what do they offer, what are they building, and what happened to it.
 * The same questions as one-liners: `npx imagefactory-console agents`, `… schema`, `… query BuildAdaptor`.
 *
 * Usage: node examples/dist/operator.js [BROKER]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectConsole } from '@imagefactory/console-client';

const console_ = await connectConsole({ broker: process.argv[2] ?? 'localhost' });
await sleep(500); // agents answer the question "who is there?" within that time

for (const agent of console_.session.agents()) {
  console.log(`${agent.name}, start ${agent.info.epoch}, heartbeat every ${agent.info.heartbeatInterval} s`);
  if (agent.info.capability < 1) continue; // the broker's own agent lists no classes
  for (const id of await agent.schemaIds()) {
    const schema = await agent.schema(id);
    const methods = schema.methods.map(
      method => `${method.name}(${method.arguments.map(({ name }) => name).join(', ')})`,
    );
    console.log(
      `  ${id.className}: ${[...schema.properties.map(({ name }) => name), ...methods].join(', ')}`,
    );
  }
  const builds = await agent.query(
    "{class:BuildAdaptor, package:'com.redhat.imagefactory', where:[ne, status, [quote, NEW]]}",
  );
  for (const build of builds) {
    const { status, percent_complete: percent, finished_image: image } = build.values;
    console.log(`  ${build.address?.objectName ?? '?'}:`, status, percent, '%', image);
  }
}

await console_.close();
