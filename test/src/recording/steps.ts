import type { DataAddress, PlainMap } from '@imagefactory/qmf';
import { callByPosition } from '../interop/positional-console.js';
import { there } from '../interop/session-2012.js';
import type { PlainConsole } from './plain-console.js';

/** Waits for so many items of a stream, then ends it. */
export async function take(items: AsyncIterable<unknown>, count: number): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  for (let taken = 0; taken < count; taken++) await iterator.next();
  await iterator.return?.();
}

/** Calls a method of the factory as the Python bindings do. */
export async function byPosition(
  console: PlainConsole,
  method: string,
  ...values: unknown[]
): Promise<PlainMap> {
  return callByPosition(console.agent, console.factoryAddress, method, ...values);
}

/** Calls a method that makes one adaptor. */
export async function order(
  console: PlainConsole,
  method: string,
  inputs: Record<string, unknown>,
): Promise<DataAddress> {
  return there(console.adaptors(await console.call(method, inputs))[0]);
}

/** The same, and waits for its end. */
export async function buildOne(
  console: PlainConsole,
  method: string,
  inputs: Record<string, unknown>,
): Promise<DataAddress> {
  const adaptor = await order(console, method, inputs);
  await console.ended(adaptor);
  return adaptor;
}

/** Calls a method of the object `build_news`. */
export async function news(
  console: PlainConsole,
  method: string,
  inputs: Record<string, unknown>,
): Promise<PlainMap> {
  return console.call(method, inputs, { ...console.factoryAddress, objectName: 'build_news' });
}
