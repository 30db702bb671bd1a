import { PRODUCT, VENDOR } from '@imagefactory/schema';
import type { Factory } from '../../index.js';
import type { Context } from '../context.js';
import { chosenAgents, onlyOne } from './agents.js';

/**
 * The factory of the agent that was chosen, or of the only one there is.
 *
 * @param what what it is needed for, in errors
 */
export async function findFactory(context: Context, what: string): Promise<Factory> {
  const agents = await chosenAgents(
    context,
    ({ info }) => info.vendor === VENDOR && info.product === PRODUCT,
  );
  const { instance } = onlyOne(agents, what).info;
  const { console } = await context.bus();
  return console.findFactory({ instance, timeout: context.settings.timeout, signal: context.signal });
}
