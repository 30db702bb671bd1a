import { isEnd, type RecoveredBuild } from '../jobs/index.js';
import type { OrderContext, OrderOptions } from './context.js';

/** The place of the image that a job makes. */
export interface JobPlace {
  /** Uuids; empty if the image belongs to no image set. */
  readonly image: string;
  readonly build: string;
  /** The name under which a door shows it. */
  readonly name: string;
}

/** A job of an earlier start, which its door shows again. */
export interface RestoredJob extends RecoveredBuild {
  readonly place: JobPlace;
}

/**
 * The jobs of earlier starts that doors show, those that ended first at the front. Those of other factories on this directory, which are dead, are
 * not given: their addresses have the names of the others.
 *
 * @param nameOf the name of a job that has none on record
 */
export async function restoreJobs(
  { catalog, engine }: Pick<OrderContext, 'catalog' | 'engine'>,
  nameOf: OrderOptions['nameOf'],
): Promise<readonly RestoredJob[]> {
  const oldestFirst = [...engine.recovered].sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  const restored: RestoredJob[] = [];
  for (const recovered of oldestFirst) {
    const { build, adopted, endedAt, record } = recovered;
    if (adopted) {
      const forget = (): void => {
        engine.told(build.id);
        engine.forget(build.id);
      };
      if (endedAt !== undefined) forget();
      else {
        build.onChange(() => {
          if (isEnd(build.state.status)) forget();
        });
      }
      continue;
    }
    const { adaptor, ...place } = (await catalog.placeOf(build.id)) ?? { image: '', build: '' };
    const name = record?.adaptor ?? adaptor ?? nameOf(build.id);
    restored.push({ ...recovered, place: { ...place, name } });
  }
  return restored;
}
