import type { ConsoleAgent } from '@imagefactory/qmf';
import { PRODUCT, VENDOR } from '@imagefactory/schema';
import type { Factory } from '../../index.js';
import type { Context } from '../context.js';
import { chosenAgents, onlyOne } from './agents.js';

/** Whether it is an agent of Image Factory. */
export function isFactory({ info }: ConsoleAgent): boolean {
  return info.vendor === VENDOR && info.product === PRODUCT;
}

/**
 * The factory of the agent that was chosen, or of the only one there is.
 *
 * @param what what it is needed for, in errors
 */
export async function findFactory(context: Context, what: string): Promise<Factory> {
  return await factoryAt(context, onlyOne(await chosenAgents(context, isFactory), what));
}

/** The factory of an agent. */
export async function factoryAt(context: Context, { info }: ConsoleAgent): Promise<Factory> {
  const { console } = await context.bus();
  const { timeout } = context.settings;
  return console.findFactory({ instance: info.instance, timeout, signal: context.signal });
}
