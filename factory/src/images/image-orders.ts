import type { ImageOrder, ImageStanding } from './image-store.js';
import { icicleOf } from './manifest/icicle.js';
import {
  type AnyImage,
  BaseImage,
  type ImageFields,
  ProviderImage,
  TargetImage,
} from './persistent-image.js';

/** The image of an order, as it stands. */
export function imageOfOrder(
  order: ImageOrder,
  standing: ImageStanding,
  created: string | undefined,
): AnyImage {
  const fields: ImageFields = {
    identifier: order.identifier,
    template: order.template,
    status: standing.status,
    ...(created === undefined ? {} : { created }),
  };
  const image = ofKind(order, fields);
  change(image, order, standing);
  return image;
}

/** Carries an order and its standing over to the image that it was about before. */
export function change(image: AnyImage, order: ImageOrder, standing: ImageStanding): void {
  const { activity, error, percent, status } = standing;
  image.status = status;
  image.statusDetail = { activity, ...(error === undefined ? {} : { error }) };
  image.percentComplete = percent;
  if (image.kind === 'target' && order.kind === 'target') image.baseImageId = order.baseImageId;
  if (order.kind !== 'base') return;
  image.format = order.format;
  image.os = order.os;
  if (order.packages !== undefined) image.icicle ??= icicleOf(order.packages);
}

function ofKind(order: ImageOrder, fields: ImageFields): AnyImage {
  switch (order.kind) {
    case 'base':
      return new BaseImage(fields);
    case 'target':
      return new TargetImage({
        ...fields,
        target: order.target,
        ...(order.callerImageUuid === undefined ? {} : { callerImageUuid: order.callerImageUuid }),
      });
    case 'provider':
      return new ProviderImage({
        ...fields,
        provider: order.provider,
        targetImageId: order.targetImageId,
      });
  }
}
