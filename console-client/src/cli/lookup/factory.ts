import type { ConsoleAgent } from '@imagefactory/qmf';
import { PRODUCT, VENDOR } from '@imagefactory/schema';
import type { Factory } from '../../index.js';
import type { Context } from '../context.js';

/** Whether it is an agent of Image Factory. */
export function isFactory({ info }: ConsoleAgent): boolean {
  return info.vendor === VENDOR && info.product === PRODUCT;
}

/** The factory of an agent. */
export async function factoryAt(context: Context, { info }: ConsoleAgent): Promise<Factory> {
  const { console } = await context.bus();
  const { timeout } = context.settings;
  return console.findFactory({ instance: info.instance, timeout, signal: context.signal });
}
