import type { ImageOrder, ImageStanding } from './image-store.js';
import { icicleOf } from './manifest/icicle.js';
import {
  type AnyImage,
  BaseImage,
  type ImageFields,
  ProviderImage,
  TargetImage,
} from './persistent-image.js';

/** The image of an order whose making has ended. */
export function imageOfOrder(
  order: ImageOrder,
  { activity, error, percent, status }: ImageStanding,
): AnyImage {
  const fields: ImageFields = {
    ...{ identifier: order.identifier, template: order.template, status, percentComplete: percent },
    statusDetail: { activity, ...(error === undefined ? {} : { error }) },
    ...(order.created === undefined ? {} : { created: order.created }),
  };
  switch (order.kind) {
    case 'base': {
      const { format, os, packages } = order;
      return new BaseImage({
        ...fields,
        ...(format === undefined ? {} : { format }),
        ...(os === undefined ? {} : { os }),
        ...(packages === undefined ? {} : { icicle: icicleOf(packages) }),
      });
    }
    case 'target':
      return new TargetImage({
        ...{ ...fields, target: order.target },
        ...(order.callerImageUuid === undefined ? {} : { callerImageUuid: order.callerImageUuid }),
        ...(order.baseImageId === undefined ? {} : { baseImageId: order.baseImageId }),
      });
    case 'provider':
      return new ProviderImage({
        ...{ ...fields, provider: order.provider, targetImageId: order.targetImageId },
      });
  }
}
