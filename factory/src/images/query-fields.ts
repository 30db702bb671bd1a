import { normalisedField } from './query.js';
import { imageKinds } from './persistent-image.js';
import { imageTransitions } from './status.js';

/** What can be asked of every image, by the names in `.meta` files, with points to what is inside, and `kind`. */
export const imageFields: readonly string[] = [
  'identifier',
  'kind',
  'type',
  'status',
  'status_detail',
  'status_detail.activity',
  'status_detail.error',
  'percent_complete',
  'created',
  'modified',
  'revision',
  'target',
  'base_image_id',
  'provider',
  'target_image_id',
  'identifier_on_provider',
  'provider_account_identifier',
  'format',
  'size',
  'sha256',
  'os',
  'os.name',
  'os.version',
  'os.arch',
  'caller_image_uuid',
  'parameters',
  'properties',
  'data',
  'template',
  'icicle',
];

/** Fields whose inside is their owner's: what a caller has sent, and what plugins have found. */
const openFields: readonly string[] = ['parameters', 'properties'];

/** All values of the fields that have few. */
export const imageFieldValues: Readonly<Record<string, readonly string[]>> = {
  kind: imageKinds,
  type: ['BaseImage', 'TargetImage', 'ProviderImage'],
  status: Object.keys(imageTransitions),
};

/** Fields that are numbers, of bytes, percent and saves. */
export const imageNumbers: readonly string[] = ['size', 'percent_complete', 'revision'];

/**
 * What is to be thought of a name in a question: a field that every image can have, one that its owner has chosen, or one that
 * is there only if some image has it, such as a field of another program's.
 */
export function fieldKind(field: string): 'known' | 'open' | 'other' {
  const name = normalisedField(field);
  if (imageFields.includes(name)) return 'known';
  return openFields.some(open => name.startsWith(`${open}.`)) ? 'open' : 'other';
}
