import { type Channel, connect } from 'amqplib';
import type { RealBroker } from '../support/brokers/index.js';
import type { ExchangeSwitch } from './site.js';

/** How an administrator deletes exchanges; nothing where there are none, or no way. */
export function exchangeSwitch({ url, protocols }: RealBroker): { readonly exchanges?: ExchangeSwitch } {
  if (!protocols.includes('amqp091')) return {};
  const manage = async (task: (channel: Channel) => Promise<unknown>): Promise<void> => {
    const connection = await connect(url);
    try {
      await task(await connection.createChannel());
    } finally {
      await connection.close();
    }
  };
  return {
    exchanges: {
      delete: name => manage(channel => channel.deleteExchange(name)),
      make: (name, type) => manage(channel => channel.assertExchange(name, type, { durable: false })),
    },
  };
}
