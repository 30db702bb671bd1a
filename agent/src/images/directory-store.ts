import type { InstalledPackage } from '@imagefactory/plugin-api';
import { DirectoryImageManager, type DirectoryImageManagerOptions } from './directory-image-manager.js';
import { icicleOf } from './manifest/icicle.js';
import { ImageError } from './image-error.js';
import type { AddOptions, ImageFacts, ImageStore, ProviderFacts, StoredImage } from './image-store.js';
import { type AnyImage, BaseImage, ProviderImage, TargetImage } from './persistent-image.js';

/** What builds need of a directory of images. */
export class DirectoryStore implements ImageStore {
  private constructor(readonly images: DirectoryImageManager) {}

  /** @throws as `DirectoryImageManager.open` */
  static async open(directory: string, options: DirectoryImageManagerOptions = {}): Promise<DirectoryStore> {
    return new DirectoryStore(await DirectoryImageManager.open(directory, options));
  }

  async add(source: string, facts: ImageFacts, options: AddOptions): Promise<StoredImage> {
    const { base, packages } = facts;
    const common = {
      template: facts.template,
      status: 'COMPLETE',
      percentComplete: 100,
      ...(facts.os === undefined ? {} : { os: facts.os }),
      ...(packages === undefined ? {} : { icicle: icicleOf(packages) }),
    } as const;
    const parent =
      base === undefined
        ? undefined
        : new BaseImage({
            ...common,
            statusDetail: { activity: 'base image complete' },
            format: base.format,
          });
    const image = new TargetImage({
      ...common,
      identifier: facts.identifier,
      statusDetail: { activity: 'target image complete' },
      target: facts.target,
      format: facts.format,
      ...(parent === undefined ? {} : { baseImageId: parent.identifier }),
      ...(facts.callerImageUuid === undefined ? {} : { callerImageUuid: facts.callerImageUuid }),
    });
    // The child last: an image whose parent is unknown would be worse than a parent without a child.
    if (parent !== undefined && base !== undefined) {
      await this.images.addImage(parent, {
        body: base.keep === undefined ? { kind: 'none' } : { kind: 'move', path: base.keep, ...options },
      });
    }
    try {
      await this.images.addImage(image, {
        body: { kind: 'move', path: source, ...options },
        ...(packages === undefined ? {} : { attachments: { cyclonedx: await bom(image, packages) } }),
      });
    } catch (error) {
      if (parent !== undefined) await this.images.deleteImageWithId(parent.identifier);
      throw error;
    }
    return storedImage(image);
  }

  async addProviderImage(source: string, facts: ProviderFacts, options: AddOptions): Promise<StoredImage> {
    const { account, ...known } = facts;
    const image = new ProviderImage({
      ...known,
      status: 'COMPLETE',
      percentComplete: 100,
      statusDetail: { activity: 'provider image complete' },
      ...(account === undefined ? {} : { providerAccountIdentifier: account }),
    });
    await this.images.addImage(image, { body: { kind: 'move', path: source, ...options } });
    return storedImage(image);
  }

  async get(identifier: string): Promise<StoredImage | undefined> {
    const image = await this.images.imageWithId(identifier);
    return image === undefined ? undefined : storedImage(image);
  }
}

/** The library is large, and who only looks at images needs it not. */
async function bom(image: TargetImage, packages: readonly InstalledPackage[]): Promise<() => string> {
  const { cyclonedxOf } = await import('./manifest/cyclonedx.js');
  return () => cyclonedxOf(image, packages);
}

function storedImage(image: AnyImage): StoredImage {
  const { data, size = 0, sha256 = '', format = 'raw', template = '', os, callerImageUuid } = image;
  if (data === undefined) throw new ImageError('not_managed', `image ${image.identifier} has no body`);
  return {
    identifier: image.identifier,
    target: image.kind === 'target' ? image.target : '',
    format,
    template,
    path: data,
    size,
    sha256,
    created: image.created,
    ...(os === undefined ? {} : { os }),
    ...(callerImageUuid === undefined ? {} : { callerImageUuid }),
  };
}
