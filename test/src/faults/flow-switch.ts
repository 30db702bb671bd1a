import type { RealBroker } from '../support/brokers/index.js';
import type { FlowSwitch } from './site.js';

/** How a broker is made to take no messages for a while; nothing where there is no way. */
export function flowSwitch({ kind, tool }: RealBroker): { readonly flow?: FlowSwitch } {
  if (tool === undefined || (kind !== 'rabbitmq' && kind !== 'rabbitmq4')) return {};
  // Not by a limit of memory or space: what watches those does not run everywhere.
  const evaluate = async (expression: string): Promise<void> => {
    await tool('rabbitmqctl', ['eval', expression]);
  };
  return {
    flow: {
      how: 'its memory alarm',
      block: () => evaluate('rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []}).'),
      unblock: () => evaluate('rabbit_alarm:clear_alarm({resource_limit, memory, node()}).'),
    },
  };
}
