import { setTimeout as sleep } from 'node:timers/promises';
import { idsIn } from './documents.js';
import { type Expiry, withoutOld } from './expiry.js';
import type { Ledger } from './ledger.js';
import type { RecordFiles } from './record-files.js';
import type { TemplateShelf } from './template-shelf.js';

/** How much has left the catalogue. */
export interface Removed {
  /** Images, builds, target and provider images. */
  readonly records: number;
  readonly templates: number;
}

export interface UpkeepParts {
  readonly files: RecordFiles;
  readonly ledger: Ledger;
  readonly templates: TemplateShelf;
}

/** Images that are looked at in one go, and milliseconds until the next: nobody waits for this, and others have work to do. */
const batch = 20;
const pause = 5;

/**
 * Removes what may leave the catalogue, one image after the other, each as any other change: under the lock, on top of what other processes have
 * made of it by then, and whole or not at all. After that what leads to nothing since a process was killed in the midst of this, and the
 * templates that nothing is made from any more.
 *
 * @throws Error when an image's file is damaged, after all others; templates stay then, as it may name them
 */
export async function removeOld(
  { files, ledger, templates }: UpkeepParts,
  expiry: Expiry,
  signal?: AbortSignal,
): Promise<Removed> {
  const known = new Set<string>();
  const used = new Set<string>();
  const damaged: unknown[] = [];
  let records = 0;
  const names = await files.names();
  for (const [index, id] of names.images.entries()) {
    if (index % batch === 0) await sleep(pause);
    if (signal?.aborted === true) return { records, templates: 0 };
    try {
      records += await removeOldOf(id, ledger, expiry);
      const image = ledger.image(id);
      if (image === undefined) continue;
      for (const one of idsIn(image)) known.add(one);
      for (const { template } of image.builds.flatMap(({ targetImages }) => targetImages))
        if (template !== undefined) used.add(template);
    } catch (error) {
      damaged.push(error);
    }
  }
  if (damaged.length > 0) throw damaged[0];
  await files.removeDangling(names.links.filter(id => !known.has(id)));
  const unused = await templates.removeUnused(
    id => used.has(id) || expiry.isInUse(id),
    Date.parse(expiry.before),
  );
  return { records, templates: unused };
}

/** @returns how many records of the image are gone */
async function removeOldOf(id: string, ledger: Ledger, expiry: Expiry): Promise<number> {
  const image = ledger.image(id);
  if (image === undefined || withoutOld(image, expiry) === image) return 0;
  let gone = 0;
  await ledger.change({
    image: id,
    // Those who were told of it have it; it is nobody's news that it is not kept here.
    quiet: true,
    apply: before => {
      if (before === undefined) return undefined;
      const after = withoutOld(before, expiry);
      gone = after.builds.length === 0 ? idsIn(before).size : idsIn(before).size - idsIn(after).size;
      return after;
    },
  });
  return gone;
}
