import { connect } from 'amqplib';
import { describe } from 'mocha';
import { transportCuts } from '../../testing/transport-cuts.test.fixture.js';
import { type ForeignQueue, transportSuite } from '../../testing/transport-suite.test.fixture.js';
import { int64, type Value } from '../../value/value.js';
import { amqp091 } from './amqp091.js';
import { startMiniBroker } from './mini-broker.test.fixture.js';

/** What AMQP 0-9-1 has no type for. */
const substitutes: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['timestamp', int64(1_700_000_000_123_456_789n)],
  ['uint64', '18446744073709551615'],
  ['uuid', '00112233-4455-6677-8899-aabbccddeeff'],
]);

async function openQueue(url: string): Promise<ForeignQueue> {
  const model = await connect(url.replace(/^amqp091/, 'amqp'));
  const channel = await model.createChannel();
  const { queue } = await channel.assertQueue('', { exclusive: true });
  const bodies: Uint8Array[] = [];
  await channel.consume(queue, message => message !== null && bodies.push(message.content), { noAck: true });
  return { name: queue, bodies, close: () => model.close() };
}

const usual = { carriesTtl: true, outlivesTypeConflict: true };

/** Real brokers, where the environment names one: `amqp://USER:PASSWORD@HOST:PORT`. */
const realBrokers = [
  ['RabbitMQ', process.env['IMAGEFACTORY_RABBITMQ_URL'], usual],
  [
    'Qpid Broker-J',
    process.env['IMAGEFACTORY_BROKER_J_URL'],
    { carriesTtl: false, outlivesTypeConflict: false },
  ],
] as const;

const subject = {
  transport: (url: string, options?: { idleTimeout?: number }) => amqp091(url, options),
  openQueue,
  substitutes,
};

const onMiniBroker = { ...subject, ...usual, start: () => startMiniBroker() };

describe('AMQP 0-9-1 transport on a small broker of the tests', () => transportSuite(onMiniBroker));
describe('AMQP 0-9-1 transport over a bad line', () => transportCuts(onMiniBroker));

for (const [name, url, differences] of realBrokers) {
  if (url === undefined) continue;
  describe(`AMQP 0-9-1 transport on ${name}`, () => {
    const start = () => Promise.resolve({ url, stop: () => Promise.resolve() });
    transportSuite({ ...subject, ...differences, start });
  });
}
