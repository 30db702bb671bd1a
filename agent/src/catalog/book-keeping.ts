import {
  type BuildDocument,
  buildIn,
  type ImageDocument,
  type Outcome,
  type ProviderImageDocument,
  withBuild,
} from './documents.js';

/**
 * Notes how the making of a target image, or a push, has ended, and what follows from it. Each outcome stays on record, a failure too; one
 * that is there already is not noted again, since the image may have gone on meanwhile.
 *
 * When the last target image of a build has ended and one at least is there, the build is the image's latest unpushed one, and
 * follows the one that was until then, or else the one pushed last. When the last of its pushes has ended and one at least has
 * succeeded, it is the image's latest build; it stays unpushed as long as there is a provider that it failed to reach.
 */
export function withOutcome(image: ImageDocument, id: string, facts: EndFacts): ImageDocument {
  for (const build of image.builds) {
    const made = build.targetImages.flatMap(target => [target, ...target.providerImages]);
    const one = made.find(candidate => candidate.id === id);
    if (one !== undefined && one.outcome.status !== 'RUNNING') return image;
    if (build.targetImages.some(target => target.id === id)) {
      const targetImages = build.targetImages.map(target =>
        target.id === id ? { ...target, outcome: facts.outcome } : target,
      );
      return afterBuilding(
        withBuild(image, build.id, () => ({ ...build, targetImages })),
        build.id,
      );
    }
    if (pushesOf(build).some(push => push.id === id)) {
      const targetImages = build.targetImages.map(target => ({
        ...target,
        providerImages: target.providerImages.map(push => (push.id === id ? { ...push, ...facts } : push)),
      }));
      return afterPushing(
        withBuild(image, build.id, () => ({ ...build, targetImages })),
        build.id,
      );
    }
  }
  return image;
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
