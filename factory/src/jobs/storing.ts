import type { Progress, PushedImage } from '@imagefactory/plugin-api';
import type { AddOptions, ImageStore } from '../images/index.js';
import type { Build, PushWork } from './build.js';
import type { ImageRecords } from './image-records.js';
import type { MadeImage } from './make-image.js';
import type { FinishedImage } from './status.js';

/** What putting an image into the store needs. */
export interface StoringOptions extends AddOptions {
  readonly build: Build;
  readonly store: ImageStore;
  readonly root: Progress;
  /** When the image was ordered, ISO 8601. */
  readonly created: string | undefined;
}

/** Puts the target image of a build into the store. */
export async function storeTarget(
  image: MadeImage,
  options: StoringOptions & { readonly records: ImageRecords },
): Promise<FinishedImage> {
  const { build, created, records, root, signal, store } = options;
  const { callerImageUuid, descriptor, id, target } = build.order;
  return await root.step('storing the image', 0, async () => {
    const stored = await store.add(
      image.path,
      {
        ...{ identifier: id, target, format: image.format, template: descriptor },
        ...(created === undefined ? {} : { created }),
        ...(callerImageUuid === undefined ? {} : { callerImageUuid }),
        ...(image.base.os === undefined ? {} : { os: image.base.os }),
        ...(image.base.packages === undefined ? {} : { packages: image.base.packages }),
        ...(records.baseImageId === undefined ? {} : { baseImageId: records.baseImageId }),
      },
      { signal },
    );
    build.log.info(`stored as ${stored.path}: ${stored.size} bytes, SHA-256 ${stored.sha256}`);
    return stored;
  });
}

/** Puts what is kept of an image that was taken to a provider into the store. */
export async function storePushed(
  pushed: PushedImage,
  { order, image }: PushWork,
  { build, created, root, signal, store }: StoringOptions,
): Promise<FinishedImage> {
  const { descriptor, push } = build.order;
  const { identifierOnProvider } = pushed;
  const account = pushed.account === undefined ? {} : { account: pushed.account };
  return await root.step('storing the provider image', 0, async () => {
    const stored = await store.addProviderImage(
      pushed.record.path,
      {
        identifier: order.identifier,
        provider: push?.provider ?? '',
        targetImageId: image.identifier,
        identifierOnProvider,
        format: pushed.record.format,
        template: descriptor,
        ...account,
        ...(created === undefined ? {} : { created }),
      },
      { signal },
    );
    build.log.info(`known to the provider as ${identifierOnProvider}`);
    return { ...stored, identifierOnProvider, ...account };
  });
}

/** Only what is told of an image, whatever else the store knows of it. */
export function told(image: FinishedImage): FinishedImage {
  const { path, size, format, sha256, identifierOnProvider, account } = image;
  return {
    ...{ path, size, format, sha256 },
    ...(identifierOnProvider === undefined ? {} : { identifierOnProvider }),
    ...(account === undefined ? {} : { account }),
  };
}
