import { startBroker } from '@imagefactory/qmf/broker';
import { residentMemory, serve } from '../process/serve.js';
import type { BrokerRole } from './contract.js';

/** The embedded broker in a process of its own. */
const role: BrokerRole = {
  start: async () => (await startBroker()).url,
  memory: residentMemory,
};

serve(role);
