import type { SpaceEstimate, Template } from '@imagefactory/plugin-api';

/** Bytes of an installed package with what it needs, on average. */
const perPackage = 30 * 1024 * 1024;

/**
 * What a build takes at most, about: the archive of the base, the tree, the disk image, which is sparse and so no larger than the tree, and the
 * same again in another format; and the image in the store, when that is elsewhere.
 *
 * @param system bytes of the system without what the template adds
 */
export function spaceFor({ packages, files }: Template, system: number): SpaceEstimate {
  const added =
    packages.length * perPackage + files.reduce((bytes, { content }) => bytes + content.length, 0);
  const tree = system + added;
  return { scratch: system + 3 * tree, image: tree };
}
