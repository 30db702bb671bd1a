import type { Store } from '../../store/index.js';
import type { DirectoryImageManager } from '../directory-image-manager.js';
import type { ImageSets } from './image-sets.js';

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
 * @throws ImageError as `deleteImageWithId`; StoreError
 */
export async function deleteImage(
  id: string,
  options: DeletionOptions,
  { images, isElsewhere, sets, store }: DeletionContext,
): Promise<readonly string[]> {
  const deleted = await images.deleteImageWithId(id, options);
  await sets.deleted(deleted.filter(one => !isElsewhere(one)));
  for (const one of deleted) {
    const row = await store.get('images', one);
    if (row !== undefined && row.batch === undefined)
      await store.commit([{ change: 'image.remove', id: one }]);
  }
  return deleted;
}
