import type { InputsOf, OutputsOf } from '@imagefactory/qmf';
import type { ImageFactory2012 } from '@imagefactory/schema';
import { allTransitions } from '../builds/index.js';
import { imageDescription } from '../catalog/index.js';
import type { FactoryParts } from './parts.js';
import { invalid } from './refusal.js';

/** Characters that texts for the record may have. */
const textLimit = 64 * 1024;

/** `import_image`: notes what a provider has already, and makes an image and a build for it where none are named. */
export async function importImage(
  inputs: InputsOf<typeof ImageFactory2012, 'import_image'>,
  { catalog, engine, providers }: FactoryParts,
): Promise<OutputsOf<typeof ImageFactory2012, 'import_image'>> {
  const { target_identifier: targetIdentifier, image_desc: given, target } = inputs;
  if (targetIdentifier.trim() === '' || targetIdentifier.length > textLimit) {
    throw invalid('target_identifier', 'it is empty or too long; give what the provider calls the image');
  }
  if (given.length > textLimit) throw invalid('image_desc', `it is longer than ${textLimit} characters`);
  engine.plugins.cloudFor(target);
  const { provider, target: itsTarget } = await providers.find(inputs.provider);
  if (itsTarget !== target) {
    throw invalid('provider', `it takes images of the target ${itsTarget}, and ${target} is given`);
  }
  const place = catalog.place(inputs.image ?? '', inputs.build ?? '');
  const imported = await catalog.importImage({
    ...place,
    description: given.trim() === '' ? imageDescription('') : given,
    target,
    provider: provider.name,
    targetIdentifier,
  });
  return { ...place, target_image: imported.targetImage, provider_image: imported.providerImage };
}

/** `instance_states`: the table of legal changes of status, as JSON, which the Python of the original's time reads as well. */
export function instanceStates({
  class_name: name,
}: InputsOf<typeof ImageFactory2012, 'instance_states'>): OutputsOf<
  typeof ImageFactory2012,
  'instance_states'
> {
  switch (name) {
    case 'BuildAdaptor':
      return { states: JSON.stringify(allTransitions()) };
    case 'ImageFactory':
      return { states: '{}' };
    default:
      throw invalid('class_name', 'there are BuildAdaptor and ImageFactory');
  }
}
