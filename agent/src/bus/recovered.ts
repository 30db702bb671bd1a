import { ADAPTOR_PREFIX } from '@imagefactory/schema';
import { type Build, isEnd, jobWord, type RecoveredBuild } from '@imagefactory/factory/jobs';
import { imageDescription, type Outcome } from '@imagefactory/factory/catalog';
import { errorLine } from '@imagefactory/factory/platform';
import { type AdaptorView, noteEnd, publishAdaptor, raiseStatus, statusWords } from './adaptor.js';
import { keepFinished } from './keep-finished.js';
import type { FactoryParts } from './parts.js';

/**
 * Puts the builds of earlier runs on the bus again, at the addresses that they had: those that go on, and those that are over and may still be
 * asked for. Those of other agents, which are dead, are only put on record. An end that may not have reached the broker before the agent was killed is told again.
 */
export async function publishRecovered(parts: FactoryParts): Promise<void> {
  const { engine, events } = parts;
  const oldestFirst = [...engine.recovered].sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  for (const recovered of oldestFirst) {
    const { build, adopted, told, endedAt } = recovered;
    await ensureRecorded(recovered, parts);
    if (adopted) {
      noteAdopted(build, parts);
      continue;
    }
    const whenOver = keepFinished(build, parts);
    const { view, outcome } = standing(build, parts);
    const adaptor = publishAdaptor(parts, build, view, whenOver);
    if (endedAt === undefined) continue;
    // A full disk, or the end of the agent, may have kept the record from being made.
    if (outcome?.status === 'RUNNING') await noteEnd(build, parts);
    const { state } = build;
    const news = { from: 'FINISHING', state } as const;
    whenOver(
      adaptor,
      told ? Promise.resolve() : raiseStatus(adaptor, news, statusWords(view, build), events),
      Math.max(0, Date.now() - endedAt),
    );
  }
}

/** Puts the end of a build of another agent on record. Nobody can be told of it: its address has the other one's name. */
function noteAdopted(build: Build, parts: FactoryParts): void {
  const note = async (): Promise<void> => {
    if (standing(build, parts).outcome?.status === 'RUNNING') await noteEnd(build, parts);
    // Only then: until it is safe on the disk, the store knows it.
    parts.engine.forget(build.id);
  };
  if (isEnd(build.state.status)) void note();
  else build.onChange(({ kind }) => void (kind === 'status' && isEnd(build.state.status) && note()));
}

/**
 * Puts a build on record as it was, if its agent was killed between the store and the record, or a power cut has taken that. Under versions
 * that did not note what was on record, its caller had not been answered then.
 */
async function ensureRecorded(
  { build: { id, order }, record }: RecoveredBuild,
  { catalog, log }: FactoryParts,
): Promise<void> {
  const { target, push } = order;
  try {
    if (catalog.imageOf(id) !== undefined) return;
    const adaptor = record?.adaptor ?? `${ADAPTOR_PREFIX}${id}`;
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

interface Standing {
  readonly view: AdaptorView;
  /** Absent where the build is not on record. */
  readonly outcome?: Outcome;
}

/** Where a build belongs, and how it has ended, by what is on record. */
function standing({ id }: Build, { catalog }: FactoryParts): Standing {
  const usual = `${ADAPTOR_PREFIX}${id}`;
  const image = catalog.imageOf(id);
  for (const build of image?.builds ?? []) {
    for (const target of build.targetImages) {
      const made = [target, ...target.providerImages].find(one => one.id === id);
      if (made === undefined || image === undefined) continue;
      const view = { image: image.id, build: build.id, name: made.adaptor ?? usual };
      return { view, outcome: made.outcome };
    }
  }
  return { view: { image: '', build: '', name: usual } };
}
