import type { Pair } from '../fleet.js';

/** Does `work`, and tells the processor time that both ends used for it, in milliseconds. It says the same on a busy machine. */
export async function withCpuTime<T>(
  pair: Pair,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpu: number }> {
  const before = await cpuTimeOf(pair);
  const result = await work();
  return { result, cpu: (await cpuTimeOf(pair)) - before };
}

async function cpuTimeOf({ requester, responder }: Pair): Promise<number> {
  return (await requester.ask('cpuTime', {})) + (await responder.ask('cpuTime', {}));
}
