import { textOf } from '../value/text.js';
import type { Value, ValueMap } from '../value/value.js';
import { orderOf, sameText, wordsOf } from './compare.js';
import { compilePattern, type Pattern } from './pattern.js';
import type { ComparisonOperator, Operand, Predicate } from './predicate.js';

/**
 * Whether a predicate holds for the attributes of an agent or the properties of an object, by the rules of the C++ library
 * (wire document §5.2) with two differences: an integer and a floating point number are compared by their worth, and
 * `re_match` works, as it does in Java. Never throws: what can't be compared, or isn't there, makes a comparison false.
 */
export function evaluatePredicate(predicate: Predicate, attributes: ValueMap): boolean {
  switch (predicate.op) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'and':
      return predicate.terms.every(term => evaluatePredicate(term, attributes));
    case 'or':
      return predicate.terms.some(term => evaluatePredicate(term, attributes));
    case 'not':
      return !predicate.terms.some(term => evaluatePredicate(term, attributes));
    case 'exists':
      return valueOf(predicate.operand, attributes) !== undefined;
    default:
      return evaluateComparison(predicate, attributes);
  }
}

/** `undefined` for an attribute that is missing, which is not the same as void. */
function valueOf(operand: Operand, attributes: ValueMap): Value | undefined {
  return operand.kind === 'literal' ? operand.value : attributes.get(operand.name);
}

function evaluateComparison(
  predicate: Extract<Predicate, { op: ComparisonOperator }>,
  attributes: ValueMap,
): boolean {
  const left = valueOf(predicate.left, attributes);
  const right = valueOf(predicate.right, attributes);
  if (left === undefined || right === undefined) return false;
  switch (predicate.op) {
    case 'eq':
      return sameText(left, right);
    case 'ne':
      return !sameText(left, right);
    case 're_match':
      return searches(predicate.right, right, left);
    default:
      return ordered(predicate.op, orderOf(left, right));
  }
}

function ordered(op: 'lt' | 'le' | 'gt' | 'ge', order: number | undefined): boolean {
  if (order === undefined) return false;
  switch (op) {
    case 'lt':
      return order < 0;
    case 'le':
      return order <= 0;
    case 'gt':
      return order > 0;
    case 'ge':
      return order >= 0;
  }
}

/** Patterns of literals, so that a query over many objects compiles its pattern once. */
const compiled = new WeakMap<Operand, Pattern | null>();

function searches(operand: Operand, pattern: Value, subject: Value): boolean {
  const known = operand.kind === 'literal' ? compiled.get(operand) : undefined;
  const usable = known === undefined ? compileOrNull(textOf(pattern)) : known;
  if (operand.kind === 'literal') compiled.set(operand, usable);
  return usable?.search(wordsOf(subject)) ?? false;
}

/** Literals are checked when a predicate is read; what an attribute holds may still be no pattern. */
function compileOrNull(pattern: string | undefined): Pattern | null {
  if (pattern === undefined) return null;
  try {
    return compilePattern(pattern);
  } catch {
    return null;
  }
}
