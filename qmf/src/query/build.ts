import { type PlainInput, toValue } from '../value/convert.js';
import { Pattern } from './pattern.js';
import type { ComparisonOperator, Operand, Predicate } from './predicate.js';

/**
 * Predicates as TypeScript: `and(eq('name', 'left'), gt('width', 5))`. The first argument of a comparison is the name of an
 * attribute, the second a literal; {@link compare} takes any two operands.
 */
export const and = (...terms: Predicate[]): Predicate => ({ op: 'and', terms });
export const or = (...terms: Predicate[]): Predicate => ({ op: 'or', terms });
/** True when none of the terms is. */
export const not = (...terms: Predicate[]): Predicate => ({ op: 'not', terms });

export const eq = (name: string, value: PlainInput): Predicate => compareWith('eq', name, value);
/** False, like every comparison, where the attribute is missing. */
export const ne = (name: string, value: PlainInput): Predicate => compareWith('ne', name, value);
export const lt = (name: string, value: PlainInput): Predicate => compareWith('lt', name, value);
export const le = (name: string, value: PlainInput): Predicate => compareWith('le', name, value);
export const gt = (name: string, value: PlainInput): Predicate => compareWith('gt', name, value);
export const ge = (name: string, value: PlainInput): Predicate => compareWith('ge', name, value);

/**
 * True where the pattern is found in the attribute's text. C++ agents answer false always.
 *
 * @throws QmfError `invalid_query` for a pattern outside the language of `Pattern`.
 */
export function reMatch(name: string, pattern: string): Predicate {
  Pattern.compile(pattern);
  return compareWith('re_match', name, pattern);
}

export const exists = (name: string): Predicate => ({ op: 'exists', operand: attribute(name) });
export const always: Predicate = { op: 'true' };
export const never: Predicate = { op: 'false' };

export const attribute = (name: string): Operand => ({ kind: 'attribute', name });
export const literal = (value: PlainInput): Operand => ({
  kind: 'literal',
  value: toValue(value, 'literal'),
});
export const compare = (op: ComparisonOperator, left: Operand, right: Operand): Predicate => ({
  op,
  left,
  right,
});

function compareWith(op: ComparisonOperator, name: string, value: PlainInput): Predicate {
  return compare(op, attribute(name), literal(value));
}
