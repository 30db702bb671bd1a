import type { InputsOf, OutputsOf } from '@imagefactory/qmf';
import type { ImageFactory2012 } from '@imagefactory/schema';
import { imageDescription } from '@imagefactory/factory/catalog';
import type { FactoryParts } from './parts.js';
import { elementName } from '@imagefactory/factory/plugins';
import { invalid } from './refusal.js';
import { shownTransitions } from './status-words.js';

/** Characters that texts for the record may have. */
const textLimit = 64 * 1024;

/** `import_image`: notes what a provider has already, of a target that this agent has a plugin for or not, and makes an image and a build for it where none are named. */
export async function importImage(
  inputs: InputsOf<typeof ImageFactory2012, 'import_image'>,
  { catalog, providers }: FactoryParts,
): Promise<OutputsOf<typeof ImageFactory2012, 'import_image'>> {
  const { target_identifier: targetIdentifier, image_desc: given, target } = inputs;
  if (targetIdentifier.trim() === '' || targetIdentifier.length > textLimit) {
    throw invalid('target_identifier', 'it is empty or too long; give what the provider calls the image');
  }
  if (given.length > textLimit) throw invalid('image_desc', `it is longer than ${textLimit} characters`);
  if (given.trim() !== '' && elementName(given) !== 'image') {
    throw invalid('image_desc', 'it is no <image> in XML; give <image><name>…</name></image>, or nothing');
  }
  // Nothing is built or pushed: no plugin is needed, only a provider that takes images of that target.
  if (!/^[\w.-]{1,60}$/.test(target)) {
    throw invalid('target', 'it is no name of a cloud; give one such as mock or ec2');
  }
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

/** `instance_states`: the table of changes of status that adaptors of either revision announce, as JSON, which the Python of the original's time reads as well. */
export function instanceStates({
  class_name: name,
}: InputsOf<typeof ImageFactory2012, 'instance_states'>): OutputsOf<
  typeof ImageFactory2012,
  'instance_states'
> {
  switch (name) {
    case 'BuildAdaptor':
      return { states: JSON.stringify(shownTransitions()) };
    case 'ImageFactory':
      return { states: '{}' };
    default:
      throw invalid('class_name', 'there are BuildAdaptor and ImageFactory');
  }
}
