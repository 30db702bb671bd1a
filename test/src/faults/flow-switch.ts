import type { RealBroker } from '../support/brokers/index.js';
import type { FlowSwitch } from './site.js';

/** How a broker is made to take no messages for a while; nothing where there is no way. */
export function flowSwitch({ kind, tool }: RealBroker): { readonly flow?: FlowSwitch } {
  if (tool === undefined || (kind !== 'rabbitmq' && kind !== 'rabbitmq4')) return {};
  const watermark = async (fraction: string): Promise<void> => {
    await tool('rabbitmqctl', ['set_vm_memory_high_watermark', fraction]);
  };
  return {
    flow: {
      how: 'its memory alarm',
      block: () => watermark('0.00001'),
      unblock: () => watermark('0.4'),
    },
  };
}
