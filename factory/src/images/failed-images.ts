import { ImageError } from './image-error.js';
import type { PersistentImageManager } from './image-manager.js';
import type { ImageRecord } from './image-record.js';

/**
 * Keeps the records of images that have failed from becoming more and more. Only those go that have no body; what was made from an image
 * goes before it. The logs of their builds go with them.
 */
export class FailedImages {
  readonly #images: PersistentImageManager;
  readonly #limit: number;
  /** Failures until the next time that somebody looks, since that means to look at all images. */
  #patience = 0;

  /** @param limit how many are kept; a tenth more may be there for a while */
  constructor(images: PersistentImageManager, limit: number) {
    this.#images = images;
    this.#limit = limit;
  }

  /** To be called when an image has failed; removes the oldest ones if there are too many by now. */
  async added(): Promise<void> {
    if (this.#patience-- > 0) return;
    this.#patience = Math.floor(this.#limit / 10);
    const { items } = await this.#images.query({
      where: { status: 'FAILED', size: null },
      sort: { field: 'modified', descending: true },
      offset: this.#limit,
    });
    for (const { identifier } of [...items].sort((a, b) => rank(a) - rank(b))) {
      // Where none is kept, it is the one that has failed just now: somebody may be reading its log.
      await this.#images
        .deleteImageWithId(identifier, { keepLog: this.#limit === 0 })
        .catch((error: unknown) => {
          // One that is still needed, or that somebody else has removed meanwhile.
          if (!(error instanceof ImageError)) throw error;
        });
    }
  }
}

const ranks = { ProviderImage: 0, TargetImage: 1, BaseImage: 2 } as const;

function rank({ type }: ImageRecord): number {
  return ranks[type];
}
