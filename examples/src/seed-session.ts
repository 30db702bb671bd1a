/**
 * For someone with a QMF console of years ago: the console session of the Image Factory QMF API note (2011), line by line in
 * TypeScript. Only generic QMF calls, nothing that knows Image Factory.
 *
 * Usage: node examples/dist/seed-session.js [BROKER]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { addressFromPlain, amqp10, BusConnection, ConsoleSession, type PlainMap } from '@imagefactory/qmf';

const connection = new BusConnection(amqp10(process.argv[2] ?? 'localhost'));
const session = new ConsoleSession(connection);
connection.start();
await session.open();
await connection.ready({ timeout: 10_000 });

const agent = await session.findAgent(
  ({ info }) => info.vendor === 'redhat.com' && info.product === 'imagefactory',
);
console.log(session.agents().map(known => known.name));

const [factory] = await agent.query("{class:ImageFactory, package:'com.redhat.imagefactory'}");
if (factory === undefined) throw new Error('the agent publishes no ImageFactory');

const response = await agent.call(factory, 'build_image', {
  descriptor: '<template></template>',
  target: 'mock',
  image_uuid: 'foo',
  sec_credentials: 'bar',
});
console.log(response);

// Polling, as in 2011. The orchestrator's example shows how to do without.
const address = addressFromPlain(response.build_adaptor as PlainMap); // the schema says MAP
let status: unknown;
do {
  await sleep(250);
  const [adaptor] = await agent.query({ address });
  if (adaptor?.values.status !== status) {
    status = adaptor?.values.status;
    console.log(status);
  }
} while (status !== 'COMPLETED' && status !== 'FAILED');

session.close();
await connection.close();
process.exitCode = status === 'COMPLETED' ? 0 : 1;
