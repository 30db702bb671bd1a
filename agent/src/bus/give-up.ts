import type { Build } from '../builds/index.js';
import type { FactoryParts } from './parts.js';

/** Ends builds of a call that is refused: nobody has heard of them, and nobody will. */
export function giveUp(builds: readonly Build[], { engine }: Pick<FactoryParts, 'engine'>): void {
  for (const { id } of builds) {
    void engine.abort(id, 'the agent, as its call was refused').then(() => engine.forget(id));
  }
}

/**
 * As `Promise.all`, but it waits for all before it is rejected: what is given up then must not go on being written.
 *
 * @throws the first rejection's reason
 */
export async function allDone(works: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(works);
  await Promise.all(works);
}
