import { imageDescription, type Outcome } from '../catalog/index.js';
import { type Build, isEnd, jobWord, type RecoveredBuild } from '../jobs/index.js';
import { errorLine } from '../platform/index.js';
import type { OrderContext, OrderOptions } from './context.js';
import { recordEnd, recordEndOf } from './record-end.js';

type Parts = Pick<OrderContext, 'catalog' | 'engine' | 'log'>;

/** The place of a job in the catalogue. */
export interface JobPlace {
  /** Uuids; empty if the job is not on record. */
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
 * Repairs the records of the jobs of earlier starts: one that a kill or a power cut has kept from the catalogue is recorded again, under its ids,
 * and so is an end that a full disk has kept from it. Jobs of other factories on this directory, which are dead, are recorded and not given.
 *
 * @param nameOf the name of a job that has none on record
 * @returns the jobs that doors show, those that ended first at the front
 */
export async function restoreJobs(
  parts: Parts,
  nameOf: OrderOptions['nameOf'],
): Promise<readonly RestoredJob[]> {
  const oldestFirst = [...parts.engine.recovered].sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  const restored: RestoredJob[] = [];
  for (const recovered of oldestFirst) {
    const { build, adopted } = recovered;
    await ensureRecorded(recovered, parts, nameOf);
    const { outcome, ...place } = placeOf(build, parts, nameOf);
    if (isEnd(build.state.status)) {
      if (outcome?.status === 'RUNNING') await recordEnd(build, parts);
      // Nobody can ask for it: its address has the name of the other one.
      if (adopted) parts.engine.forget(build.id);
    } else if (adopted) forgetAtEnd(build, parts);
    else recordEndOf(build, parts);
    if (!adopted) restored.push({ ...recovered, place });
  }
  return restored;
}

function forgetAtEnd(job: Build, parts: Parts): void {
  job.onChange(({ kind }) => {
    // The store knows the job until its end is safe in the catalogue.
    if (kind === 'status' && isEnd(job.state.status))
      void recordEnd(job, parts).then(() => parts.engine.forget(job.id));
  });
}

async function ensureRecorded(
  { build: { id, order }, record }: RecoveredBuild,
  { catalog, log }: Parts,
  nameOf: OrderOptions['nameOf'],
): Promise<void> {
  const { target, push } = order;
  try {
    if (catalog.imageOf(id) !== undefined) return;
    const adaptor = record?.adaptor ?? nameOf(id);
    if (push === undefined) {
      const own = await catalog.templates.put(order.descriptor);
      const { template, description, ...place } = record?.place ?? {
        ...catalog.place('', ''),
        ...{ template: own, description: imageDescription('') },
      };
      await catalog.addTargetImages(place, description, [{ id, target, template, adaptor }]);
      return;
    }
    const { provider, targetImage } = push;
    const image = catalog.imageOf(targetImage);
    if (image !== undefined)
      await catalog.addProviderImages(image.id, [{ id, targetImage, provider, adaptor }]);
  } catch (error) {
    log.error(`${jobWord(order)} ${id} could not be put on record: ${errorLine(error)}`);
  }
}

function placeOf(
  { id }: Build,
  { catalog }: Parts,
  nameOf: OrderOptions['nameOf'],
): JobPlace & { readonly outcome?: Outcome } {
  const image = catalog.imageOf(id);
  for (const build of image?.builds ?? []) {
    for (const target of build.targetImages) {
      const made = [target, ...target.providerImages].find(one => one.id === id);
      if (made === undefined || image === undefined) continue;
      return { image: image.id, build: build.id, name: made.adaptor ?? nameOf(id), outcome: made.outcome };
    }
  }
  return { image: '', build: '', name: nameOf(id) };
}
