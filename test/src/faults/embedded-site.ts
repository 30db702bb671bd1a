import { type BrokerOptions, startBroker } from '@imagefactory/qmf/broker';
import type { Site } from './site.js';
import { freeOwnPort } from '../support/own-port.js';

/** A site on a broker of its own in this process. */
export interface EmbeddedSite extends Site {
  stop(): Promise<void>;
}

export async function embeddedSite(long: boolean, options: BrokerOptions = {}): Promise<EmbeddedSite> {
  let broker = await startBroker({ ...options, port: await freeOwnPort() });
  const spare = await startBroker(options);
  const { port } = broker;
  const kill = async (): Promise<void> => {
    broker.dropConnections();
    await broker.stop();
  };
  return {
    kind: 'embedded',
    protocol: 'amqp10',
    url: broker.url,
    spare: spare.url,
    long,
    seconds: 3,
    embedded: () => broker,
    exchanges: {
      delete: name => {
        broker.faults.deleteExchange(name);
        return Promise.resolve();
      },
      make: (name, type) => {
        broker.addExchange(name, type);
        return Promise.resolve();
      },
    },
    process: {
      kill,
      stop: () => broker.stop(),
      start: async () => {
        broker = await startBroker({ ...options, port });
        return broker.url;
      },
    },
    stop: async () => {
      await Promise.all([broker.stop(), spare.stop()]);
    },
  };
}
