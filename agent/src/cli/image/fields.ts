import { nearest } from '@imagefactory/text';
import {
  type Condition,
  type DirectoryImageManager,
  fieldKind,
  imageFields,
  imageFieldValues,
  imageNumbers,
  normalisedField,
  type Order,
} from '@imagefactory/factory/images';
import { UsageError } from '../usage-error.js';

/**
 * Refuses a question that can find nothing because it was mistyped: a field that no image has, or a value that its field never takes. What
 * nothing is found by as long as no image has it, such as a property of a plugin, is a remark.
 *
 * @throws UsageError
 */
export async function checkQuestion(
  images: DirectoryImageManager,
  where: readonly Condition[],
  sort: Order | undefined,
  remark: (text: string) => void,
): Promise<void> {
  for (const condition of where) checkValue(condition);
  const asked: readonly (readonly [string, string])[] = [
    ...where.map(({ field }) => ['--where', field] as const),
    ...(sort === undefined ? [] : [['--sort', sort.field] as const]),
  ];
  for (const [option, field] of asked) {
    const kind = fieldKind(field);
    if (kind === 'known' || (await someImageHas(images, field))) continue;
    if (kind === 'other')
      throw new UsageError(`${option}: images have no field ${field}; ${fieldsFor(field)}`);
    remark(`${option}: no image has ${field}`);
  }
}

async function someImageHas(images: DirectoryImageManager, field: string): Promise<boolean> {
  const { total } = await images.query({ where: [{ field, operator: '!=', value: null }], limit: 0 });
  return total > 0;
}

function fieldsFor(field: string): string {
  const near = nearest(field, imageFields) ?? imageFields.find(name => name.endsWith(`.${field}`));
  const meant = near === undefined ? '' : `did you mean ${near}? `;
  const others = imageFields.filter(name => name !== near);
  return `${meant}There are ${[...(near === undefined ? [] : [near]), ...others].join(', ')}`;
}

function checkValue({ field, operator, value }: Condition): void {
  if (value === null || operator === '~') return;
  const text = String(value);
  if (imageNumbers.includes(normalisedField(field)) && (text.trim() === '' || Number.isNaN(Number(text)))) {
    throw new UsageError(
      `--where: ${field} is a number, such as 1048576 or 1e9, and ${JSON.stringify(text)} is none`,
    );
  }
  const values = imageFieldValues[field];
  if (values === undefined || values.includes(text) || (operator !== '=' && operator !== '!=')) return;
  const near = nearest(text, values);
  const meant = near === undefined ? '' : `did you mean ${near}? `;
  throw new UsageError(
    `--where: ${field} is never ${JSON.stringify(text)}; ${meant}It is one of ${values.join(', ')}`,
  );
}
