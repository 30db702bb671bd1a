import type { Fleet, Pair } from './fleet.js';
import { median } from './statistics.js';

/** Medians over the rounds. */
export interface Measured {
  readonly qmf: number;
  readonly bare: number;
  /** The median of the rounds' own ratios, in which the noise of a shared machine cancels out. */
  readonly ratio: number;
}

/**
 * Measures both pairs in turns, after one round to warm up; who begins changes from round to round.
 *
 * @param measure gives figures by name, the same names each time
 */
export async function interleaved<K extends string>(
  { qmf, bare }: Fleet,
  rounds: number,
  measure: (pair: Pair) => Promise<Readonly<Record<K, number>>>,
): Promise<Readonly<Record<K, Measured>>> {
  await measure(qmf);
  await measure(bare);
  const taken: { readonly qmf: Readonly<Record<K, number>>; readonly bare: Readonly<Record<K, number>> }[] =
    [];
  for (let round = 0; round < rounds; round++) {
    const bareFirst = round % 2 === 0 ? undefined : await measure(bare);
    const ours = await measure(qmf);
    taken.push({ qmf: ours, bare: bareFirst ?? (await measure(bare)) });
  }
  const [first] = taken;
  // The keys of a record of K are K, which Object.keys does not tell.
  const names = Object.keys(first?.qmf ?? {}) as K[];
  const measured = names.map((name): [K, Measured] => [
    name,
    {
      qmf: median(taken.map(round => round.qmf[name])),
      bare: median(taken.map(round => round.bare[name])),
      ratio: median(taken.map(round => round.qmf[name] / round.bare[name])),
    },
  ]);
  return Object.fromEntries(measured) as Readonly<Record<K, Measured>>; // every name of K has its entry
}
