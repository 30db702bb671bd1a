import { describe } from 'mocha';
import { startBroker } from '../broker/index.js';
import { BusConnection } from '../connection/index.js';
import { amqp10, type Amqp10Options, parseBrokerUrl } from '../transport/index.js';

/** A broker under test. */
export interface TestBroker {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** A real qpidd without authentication on 127.0.0.1, if the environment names one: `amqp://127.0.0.1:PORT`. */
export const qpiddUrl = process.env['IMAGEFACTORY_QPIDD_URL'];

/** Defines the same tests for the embedded broker, and for a real qpidd where there is one. */
export function onEachBroker(title: string, define: (start: () => Promise<TestBroker>) => void): void {
  describe(`${title} (embedded broker)`, () => define(() => startBroker()));
  if (qpiddUrl === undefined) return;
  const { port } = parseBrokerUrl(qpiddUrl);
  const qpidd: TestBroker = { url: qpiddUrl, port, stop: () => Promise.resolve() };
  describe(`${title} (qpidd)`, () => define(() => Promise.resolve(qpidd)));
}

/** An open connection that reconnects quickly. */
export async function connectTo(url: string, options: Amqp10Options = {}): Promise<BusConnection> {
  const connection = new BusConnection(amqp10(url, options), { retry: { initialDelay: 10, maxDelay: 40 } });
  connection.start();
  await connection.ready({ timeout: 60_000 });
  return connection;
}
