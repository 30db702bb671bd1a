import type { Store } from '../../store/index.js';
import { ImageError } from '../image-error.js';
import type { DirectoryImageManager } from '../directory-image-manager.js';
import type { ImageSets } from './image-sets.js';
import { inWork } from './meta-rows.js';
import { allOf } from './rows.js';

export interface DeletionContext {
  readonly images: DirectoryImageManager;
  readonly sets: ImageSets;
  readonly store: Store;
  /** Whether a warehouse has an image, from where it can be pushed as before. */
  readonly isElsewhere: (id: string) => boolean;
}

export interface DeletionOptions {
  /** Delete the images that were made from it too; default false. */
  readonly withChildren?: boolean;
}

/**
 * Deletes an image: its files, then its record, with the latest unpushed build of its image set.
 *
 * @returns the ids of what was deleted, children before their parents
 * @throws ImageError as `deleteImageWithId`, and `busy` while a job makes the image or one that is made from it; StoreError
 */
export async function deleteImage(
  id: string,
  options: DeletionOptions,
  { images, isElsewhere, sets, store }: DeletionContext,
): Promise<readonly string[]> {
  await assertAtRest(id, store);
  const deleted = await images.deleteImageWithId(id, options);
  await sets.deleted(deleted.filter(one => !isElsewhere(one)));
  for (const one of deleted) {
    const row = await store.get('images', one);
    if (row !== undefined && row.batch === undefined)
      await store.commit([{ change: 'image.remove', id: one }]);
  }
  return deleted;
}

/** @throws ImageError `busy` while a job makes the image, or one that is made from it */
async function assertAtRest(id: string, store: Store): Promise<void> {
  const row = await store.get('images', id);
  if (row !== undefined && inWork.includes(row.status))
    throw new ImageError('busy', `a job is making image ${id}; end that first: abort it, or wait for it`);
  for (const child of await allOf(store, 'images', { parent: id })) await assertAtRest(child.id, store);
}
