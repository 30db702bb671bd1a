import {
  type BuildDocument,
  buildIn,
  type ImageDocument,
  type Outcome,
  type ProviderImageDocument,
  withBuild,
  withTargetImages,
} from './documents.js';

/**
 * Notes how the making of a target image, or a push, has ended, and what follows from it. Each outcome stays on record, a failure too; one
 * that is there already is not noted again, since the image may have gone on meanwhile.
 *
 * When the last target image of a build has ended and one at least is there, the build is the image's latest unpushed one, and
 * follows the one that was until then, or else the one pushed last. When the last of its pushes has ended and one at least has
 * succeeded, it is the image's latest build; it stays unpushed as long as there is a provider that it failed to reach.
 *
 * @param at ISO 8601, UTC
 */
export function withOutcome(image: ImageDocument, id: string, facts: EndFacts, at: string): ImageDocument {
  const failed = facts.outcome.status === 'FAILED' ? { failed: at } : {};
  for (const build of image.builds) {
    const made = build.targetImages.flatMap(target => [target, ...target.providerImages]);
    const one = made.find(candidate => candidate.id === id);
    if (one !== undefined && one.outcome.status !== 'RUNNING') return image;
    if (build.targetImages.some(target => target.id === id)) {
      const targetImages = build.targetImages.map(target =>
        target.id === id ? { ...target, outcome: facts.outcome, ...failed } : target,
      );
      return afterBuilding(
        withBuild(image, build.id, () => ({ ...build, targetImages })),
        build.id,
      );
    }
    if (pushesOf(build).some(push => push.id === id)) {
      const targetImages = build.targetImages.map(target => ({
        ...target,
        providerImages: target.providerImages.map(push =>
          push.id === id ? { ...push, ...facts, ...failed } : push,
        ),
      }));
      return afterPushing(
        withBuild(image, build.id, () => ({ ...build, targetImages })),
        build.id,
      );
    }
  }
  return image;
}

/**
 * Notes that images were deleted here. When nothing is left to push of the latest unpushed build, that is the build before it which was not
 * pushed and has something left, down to the one that was pushed last. What was pushed remains so: providers have it still.
 */
export function withDeletion(image: ImageDocument, ids: ReadonlySet<string>, deleted: string): ImageDocument {
  const isNews = (one: Pick<ProviderImageDocument, 'id' | 'deleted'>): boolean =>
    ids.has(one.id) && one.deleted === undefined;
  const all = image.builds.flatMap(({ targetImages }) => targetImages);
  if (![...all, ...all.flatMap(({ providerImages }) => providerImages)].some(isNews)) return image;
  const marked = withTargetImages(image, target => ({
    ...target,
    ...(ids.has(target.id) && target.deleted === undefined ? { deleted } : {}),
    providerImages: target.providerImages.map(push => (isNews(push) ? { ...push, deleted } : push)),
  }));
  const { latestUnpushed, ...rest } = marked;
  const last = marked.builds.findIndex(({ id }) => id === latestUnpushed);
  if (last === -1 || canBePushed(marked.builds[last])) return marked;
  const first = marked.builds.findIndex(({ id }) => id === marked.latestBuild);
  const next = marked.builds.slice(first + 1, last).findLast(canBePushed);
  return next === undefined ? rest : { ...rest, latestUnpushed: next.id };
}

function canBePushed(build: BuildDocument | undefined): boolean {
  return (build?.targetImages ?? []).some(
    ({ outcome, deleted }) => outcome.status !== 'FAILED' && deleted === undefined,
  );
}

export interface EndFacts {
  readonly outcome: Outcome;
  /** What a provider calls the image, and whose account it is in there. */
  readonly targetIdentifier?: string;
  readonly account?: string;
}

function afterBuilding(image: ImageDocument, id: string): ImageDocument {
  const outcomes = (buildIn(image, id)?.targetImages ?? []).map(({ outcome }) => outcome.status);
  if (outcomes.includes('RUNNING') || !outcomes.includes('COMPLETED')) return image;
  const before = image.latestUnpushed ?? image.latestBuild;
  const followed =
    before === undefined || before === id
      ? image
      : withBuild(image, id, build => ({ ...build, parent: build.parent ?? before }));
  return { ...followed, latestUnpushed: id };
}

function afterPushing(image: ImageDocument, id: string): ImageDocument {
  const build = buildIn(image, id);
  const pushes = build === undefined ? [] : pushesOf(build);
  const reached = new Set(pushes.filter(isCompleted).map(({ provider }) => provider));
  if (reached.size === 0 || pushes.some(({ outcome }) => outcome.status === 'RUNNING')) return image;
  const isEverywhere = pushes.every(({ provider }) => reached.has(provider));
  const { latestUnpushed, ...rest } = image;
  const keeps = latestUnpushed !== undefined && (latestUnpushed !== id || !isEverywhere);
  return { ...rest, latestBuild: id, ...(keeps ? { latestUnpushed } : {}) };
}

function pushesOf(build: BuildDocument): readonly ProviderImageDocument[] {
  return build.targetImages.flatMap(({ providerImages }) => providerImages);
}

function isCompleted({ outcome }: ProviderImageDocument): boolean {
  return outcome.status === 'COMPLETED';
}
