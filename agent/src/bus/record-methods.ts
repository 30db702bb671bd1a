import type { InputsOf, OutputsOf } from '@imagefactory/qmf';
import type { ImageFactory2012 } from '@imagefactory/schema';
import { orderImport } from '@imagefactory/factory/orders';
import type { FactoryParts } from './parts.js';
import { invalid } from './refusal.js';
import { shownTransitions } from './status-words.js';

/** `import_image`: records an image that a provider has already, under a new image and build where none are named. */
export async function importImage(
  inputs: InputsOf<typeof ImageFactory2012, 'import_image'>,
  parts: FactoryParts,
): Promise<OutputsOf<typeof ImageFactory2012, 'import_image'>> {
  const { target, provider } = inputs;
  const { targetImage, providerImage, ...place } = await orderImport(
    {
      image: inputs.image ?? '',
      build: inputs.build ?? '',
      description: inputs.image_desc,
      targetIdentifier: inputs.target_identifier,
      ...{ target, provider },
    },
    parts,
  );
  return { ...place, target_image: targetImage, provider_image: providerImage };
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
