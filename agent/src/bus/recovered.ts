import { ADAPTOR_PREFIX } from '@imagefactory/schema';
import type { Build } from '../builds/index.js';
import { type AdaptorView, noteEnd, publishAdaptor, raiseStatus, statusWords } from './adaptor.js';
import { keepFinished } from './keep-finished.js';
import type { FactoryParts } from './parts.js';

/**
 * Puts the builds of earlier runs on the bus again, at the addresses that they had: those that go on, and those that are over and may still be
 * asked for. An end that may not have reached the broker before the agent was killed is told again.
 */
export function publishRecovered(parts: FactoryParts): void {
  const { engine, events } = parts;
  const oldestFirst = [...engine.recovered].sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  for (const { build, told, endedAt } of oldestFirst) {
    const whenOver = keepFinished(build, parts);
    const view = viewOf(build, parts);
    const adaptor = publishAdaptor(parts, build, view, whenOver);
    if (endedAt === undefined) continue;
    if (!told) noteEnd(build, parts);
    const { state } = build;
    const news = { from: 'FINISHING', state } as const;
    whenOver(
      adaptor,
      told ? Promise.resolve() : raiseStatus(adaptor, news, statusWords(view, build), events),
      Math.max(0, Date.now() - endedAt),
    );
  }
}

/** Where a build belongs, by what is on record. */
function viewOf({ id }: Build, { catalog }: FactoryParts): AdaptorView {
  const image = catalog.imageOf(id);
  for (const build of image?.builds ?? []) {
    for (const target of build.targetImages) {
      const made = [target, ...target.providerImages].find(one => one.id === id);
      if (made === undefined || image === undefined) continue;
      return { image: image.id, build: build.id, name: made.adaptor ?? `${ADAPTOR_PREFIX}${id}` };
    }
  }
  return { image: '', build: '', name: `${ADAPTOR_PREFIX}${id}` };
}
