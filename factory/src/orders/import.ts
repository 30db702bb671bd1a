import { imageDescription } from '../images/index.js';
import { elementName } from '../plugins/index.js';
import type { OrderContext } from './context.js';
import { invalidOrder, orderErrors } from './order-error.js';

/** Characters of a text that goes on record. */
const textLimit = 64 * 1024;

/** An image that a provider has already. Ids are uuids. */
export interface ImportInput {
  /** Default: a new one. */
  readonly image?: string;
  /** Default: a new one. */
  readonly build?: string;
  /** `<image><name>…</name></image>`, or nothing. */
  readonly description: string;
  /** Name of a cloud. No plugin of it is needed, as nothing is built or pushed. */
  readonly target: string;
  /** A name or a definition. */
  readonly provider: string;
  /** The provider's name of the image. */
  readonly targetIdentifier: string;
}

export interface Imported {
  readonly image: string;
  readonly build: string;
  readonly targetImage: string;
  readonly providerImage: string;
}

/** Records an image that a provider has already. @throws OrderError with the field that is wrong */
export function orderImport(
  { description, target, targetIdentifier, ...input }: ImportInput,
  { catalog, engine, providers }: Pick<OrderContext, 'catalog' | 'engine' | 'providers'>,
): Promise<Imported> {
  return orderErrors(async () => {
    if (targetIdentifier.trim() === '' || targetIdentifier.length > textLimit) {
      throw invalidOrder(
        'targetIdentifier',
        'it is empty or too long; give what the provider calls the image',
      );
    }
    if (description.length > textLimit)
      throw invalidOrder('description', `it is longer than ${textLimit} characters`);
    if (description.trim() !== '' && elementName(description) !== 'image') {
      throw invalidOrder(
        'description',
        'it is no <image> in XML; give <image><name>…</name></image>, or nothing',
      );
    }
    if (!/^[\w.-]{1,60}$/.test(target))
      throw invalidOrder('targets', 'it is no name of a cloud; give one such as mock or ec2');
    const { provider, target: itsTarget } = await providers.find(input.provider);
    // A name that no plugin knows may belong to a target without one.
    const isStrange = itsTarget === undefined && engine.plugins.pushes(target);
    if (isStrange)
      throw invalidOrder(
        'providers',
        `${JSON.stringify(provider.name)} is no provider of the target ${target}`,
      );
    if (itsTarget !== undefined && itsTarget !== target)
      throw invalidOrder('providers', `it takes images of the target ${itsTarget}, and ${target} is given`);
    const place = await catalog.place(input.image ?? '', input.build ?? '');
    const ids = await catalog.importImage({
      ...place,
      description: description.trim() === '' ? imageDescription('') : description,
      ...{ target, provider: provider.name, targetIdentifier },
    });
    return { ...place, ...ids };
  });
}
