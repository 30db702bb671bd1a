import { QmfError, type RequestOptions } from '@imagefactory/qmf';
import type { Operand, Predicate } from '@imagefactory/qmf/query';
import { type ClassName, describeClass } from '../args/class-name.js';
import { type ClassList, schemasOf } from './classes.js';

/** The attributes that a predicate looks at. */
export function attributesIn(predicate: Predicate): readonly string[] {
  const names = (...operands: readonly Operand[]): readonly string[] =>
    operands.flatMap(operand => (operand.kind === 'attribute' ? [operand.name] : []));
  switch (predicate.op) {
    case 'true':
    case 'false':
      return [];
    case 'and':
    case 'or':
    case 'not':
      return predicate.terms.flatMap(attributesIn);
    case 'exists':
      return names(predicate.operand);
    default:
      return names(predicate.left, predicate.right);
  }
}

/**
 * What to say of names that no version of a class has as properties, for people who misspelt one; undefined where all are known, or nobody
 * can tell. Only for what an empty answer leaves open: an object may have values that its class does not name.
 *
 * @throws QmfError `aborted`
 */
export async function unknownProperties(
  names: readonly string[],
  name: ClassName,
  lists: readonly ClassList[],
  options: RequestOptions,
): Promise<string | undefined> {
  if (names.length === 0) return undefined;
  const known = new Set<string>();
  try {
    const schemas = await Promise.all(
      lists.filter(({ kind }) => kind === 'listed').map(list => schemasOf(list, name, options)),
    );
    for (const { properties } of schemas.flat()) for (const property of properties) known.add(property.name);
  } catch (error) {
    if (error instanceof QmfError && error.code === 'aborted') throw error;
    return undefined;
  }
  // Those that begin so are QMF's own, such as _object_name.
  const unknown = [...new Set(names)].filter(one => !known.has(one) && !one.startsWith('_'));
  if (known.size === 0 || unknown.length === 0) return undefined;
  return `no ${describeClass(name)} has the property ${unknown.map(one => `'${one}'`).join(' or ')}; there are ${[...known].join(', ')}`;
}
