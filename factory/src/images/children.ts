import type { PersistentImageManager } from './image-manager.js';
import type { ImageRecord } from './image-record.js';
import type { AnyImage } from './persistent-image.js';

/** The images that were made from an image. */
export async function childrenOf(
  images: Pick<PersistentImageManager, 'query'>,
  { kind, identifier }: Pick<AnyImage, 'kind' | 'identifier'>,
): Promise<readonly ImageRecord[]> {
  switch (kind) {
    case 'base':
      return (await images.query({ where: { baseImageId: identifier } })).items;
    case 'target':
      return (await images.query({ where: { targetImageId: identifier } })).items;
    case 'provider':
      return [];
  }
}
