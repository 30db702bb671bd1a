import { type BuildDocument, idsIn, type ImageDocument, type TargetImageDocument } from './documents.js';

/** What may leave the catalogue. */
export interface Expiry {
  /** ISO 8601, UTC: only what was deleted, or has failed, before that. */
  readonly before: string;
  /** Whether something outside the catalogue has to do with what has that uuid, so that it stays. */
  readonly isInUse: (id: string) => boolean;
}

/**
 * The document without its target and provider images that were deleted, or have failed, long ago, and without the builds that are left with
 * none. A target image stays with its provider images, a build with its target images, and with the build whose `parent` it is. The
 * builds that the image names as its latest ones stay as they are: what was pushed of them, and where that failed, decides what they are.
 *
 * @returns the same document when all of it stays; one without builds when nothing does
 */
export function withoutOld(image: ImageDocument, expiry: Expiry): ImageDocument {
  const latest = [image.latestBuild, image.latestUnpushed];
  const builds = image.builds.map(build =>
    latest.includes(build.id) ? build : withoutOldImages(build, expiry),
  );
  const staying = idsOfStaying(
    builds,
    ({ id, created, targetImages }) =>
      latest.includes(id) || targetImages.length > 0 || created >= expiry.before || expiry.isInUse(id),
  );
  const left = builds.filter(({ id }) => staying.has(id));
  if (left.length === 0 && expiry.isInUse(image.id)) return image;
  const changed = { ...image, builds: left };
  return idsIn(changed).size === idsIn(image).size ? image : changed;
}

function withoutOldImages(build: BuildDocument, { before, isInUse }: Expiry): BuildDocument {
  const stays = ({
    id,
    outcome,
    deleted,
    failed = build.created,
  }: Omit<TargetImageDocument, 'target' | 'providerImages'>): boolean => {
    const over = deleted ?? (outcome.status === 'FAILED' ? failed : undefined);
    return over === undefined || over >= before || isInUse(id);
  };
  const targetImages = build.targetImages
    .map(target => ({ ...target, providerImages: target.providerImages.filter(stays) }))
    .filter(target => target.providerImages.length > 0 || stays(target));
  return { ...build, targetImages };
}

/** The builds that stay for themselves, and those that come before them. */
function idsOfStaying(
  builds: readonly BuildDocument[],
  stays: (build: BuildDocument) => boolean,
): ReadonlySet<string> {
  const byId = new Map(builds.map(build => [build.id, build]));
  const staying = new Set<string>();
  for (const build of builds.filter(stays)) {
    let next: BuildDocument | undefined = build;
    while (next !== undefined && !staying.has(next.id)) {
      staying.add(next.id);
      next = byId.get(next.parent ?? '');
    }
  }
  return staying;
}
