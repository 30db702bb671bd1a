import { startBroker } from '@imagefactory/qmf/broker';
import type { RealBroker } from './real-broker.js';

/** The broker of our own, in this process. */
export async function startEmbedded(): Promise<RealBroker> {
  const broker = await startBroker();
  return {
    kind: 'embedded',
    url: broker.url,
    protocols: ['amqp10'],
    how: 'in this process',
    stop: () => broker.stop(),
  };
}
