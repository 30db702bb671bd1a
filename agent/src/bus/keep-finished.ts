import type { Build } from '@imagefactory/factory/jobs';
import type { Adaptor } from './adaptor.js';
import type { FactoryParts } from './parts.js';

/** What becomes of an adaptor when its build is over. */
export function keepFinished(
  { id, order }: Build,
  { engine, finished, adaptors }: Pick<FactoryParts, 'engine' | 'finished' | 'adaptors'>,
): (ended: Adaptor, told: Promise<void>, age?: number) => void {
  const size = order.descriptor.length;
  return (ended, told, age = 0) => {
    void told.then(() => engine.told(id));
    const remove = (): void => {
      ended.remove();
      adaptors.remove(id);
      engine.forget(id);
    };
    finished.add({ size, remove }, age);
  };
}
