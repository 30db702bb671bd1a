import type { InstalledPackage } from '@imagefactory/plugin-api';
import { DirectoryImageManager, type DirectoryImageManagerOptions } from './directory-image-manager.js';
import { FailedImages } from './failed-images.js';
import { ImageError } from './image-error.js';
import { imageOfOrder } from './image-orders.js';
import type {
  AddOptions,
  ImageFacts,
  ImageOrder,
  ImageStanding,
  ImageStore,
  ProviderFacts,
  StoredImage,
} from './image-store.js';
import { emptyIcicle, icicleOf } from './manifest/icicle.js';
import { type AnyImage, type ImageFields, ProviderImage, TargetImage } from './persistent-image.js';

export interface DirectoryStoreOptions extends DirectoryImageManagerOptions {
  /** Records of failed images that are kept; those that failed first go. Default 1000. */
  readonly keepFailed?: number;
  /** Told when they could not be removed. */
  readonly onProblem?: (error: unknown) => void;
}

/** What builds need of a directory of images. */
export class DirectoryStore implements ImageStore {
  readonly images: DirectoryImageManager;
  readonly #failed: FailedImages;
  readonly #onProblem: (error: unknown) => void;

  private constructor(images: DirectoryImageManager, options: DirectoryStoreOptions) {
    this.images = images;
    this.#failed = new FailedImages(images, options.keepFailed ?? 1000);
    this.#onProblem = options.onProblem ?? (() => undefined);
  }

  /** @throws as `DirectoryImageManager.open` */
  static async open(directory: string, options: DirectoryStoreOptions = {}): Promise<DirectoryStore> {
    return new DirectoryStore(await DirectoryImageManager.open(directory, options), options);
  }

  async record(order: ImageOrder, standing: ImageStanding): Promise<void> {
    const image = imageOfOrder(order, standing);
    await this.images.addImage(image, { body: { kind: 'none' }, replaceUnfinished: true });
    // No build waits for the tidying up.
    if (standing.status === 'FAILED') this.#failed.added().catch(this.#onProblem);
  }

  async add(source: string, facts: ImageFacts, options: AddOptions): Promise<StoredImage> {
    const { packages } = facts;
    const image = new TargetImage({
      ...finished(facts, 'target image complete'),
      target: facts.target,
      ...(facts.os === undefined ? {} : { os: facts.os }),
      icicle: packages === undefined ? emptyIcicle : icicleOf(packages),
      ...(facts.baseImageId === undefined ? {} : { baseImageId: facts.baseImageId }),
      ...(facts.callerImageUuid === undefined ? {} : { callerImageUuid: facts.callerImageUuid }),
    });
    await this.images.addImage(image, {
      body: { kind: 'move', path: source, ...options },
      replaceUnfinished: true,
      ...(packages === undefined ? {} : { attachments: { cyclonedx: await bom(image, packages) } }),
    });
    return storedImage(image);
  }

  async addProviderImage(source: string, facts: ProviderFacts, options: AddOptions): Promise<StoredImage> {
    const { account, provider, targetImageId, identifierOnProvider } = facts;
    const image = new ProviderImage({
      ...finished(facts, 'provider image complete'),
      ...{ provider, targetImageId, identifierOnProvider },
      ...(account === undefined ? {} : { providerAccountIdentifier: account }),
    });
    await this.images.addImage(image, {
      body: { kind: 'move', path: source, ...options },
      replaceUnfinished: true,
    });
    return storedImage(image);
  }

  async get(identifier: string): Promise<StoredImage | undefined> {
    const image = await this.images.imageWithId(identifier);
    return image?.status === 'COMPLETE' ? storedImage(image) : undefined;
  }

  async templateOf(identifier: string): Promise<string | undefined> {
    return (await this.images.imageWithId(identifier))?.template;
  }
}

function finished(
  {
    created,
    identifier,
    format,
    template,
  }: Pick<ImageFacts, 'created' | 'identifier' | 'format' | 'template'>,
  activity: string,
): ImageFields {
  return {
    ...{ identifier, format, template },
    status: 'COMPLETE',
    statusDetail: { activity },
    percentComplete: 100,
    ...(created === undefined ? {} : { created }),
  };
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
    ...(image.kind === 'provider' ? atProvider(image) : {}),
  };
}

function atProvider({
  identifierOnProvider,
  providerAccountIdentifier: account,
}: ProviderImage): Pick<StoredImage, 'identifierOnProvider' | 'account'> {
  return {
    ...(identifierOnProvider === undefined ? {} : { identifierOnProvider }),
    ...(account === undefined ? {} : { account }),
  };
}
