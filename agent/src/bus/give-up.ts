import type { Build } from '@imagefactory/factory/jobs';
import type { FactoryParts } from './parts.js';

/** Ends builds of a call that is refused: nobody has heard of them, and nobody will. */
export function giveUp(builds: readonly Build[], { engine }: Pick<FactoryParts, 'engine'>): void {
  for (const { id } of builds) {
    void engine.abort(id, 'the agent, as its call was refused').then(() => engine.forget(id));
  }
}
