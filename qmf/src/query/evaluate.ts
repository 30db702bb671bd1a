import { textOf } from '../value/text.js';
import { isValueList, isValueMap, type Value, type ValueMap } from '../value/value.js';
import { orderOf, sameText, wordsOf } from './compare.js';
import { Pattern } from './pattern.js';
import { type ComparisonOperator, type Operand, type Predicate, queryLimits } from './predicate.js';
import { type Paused, StepMeter, withoutPause } from './step-meter.js';

/**
 * Whether a predicate holds for the attributes of an agent or the properties of an object, by the rules of the C++ library
 * (wire document §5.2) with two differences: an integer and a floating point number are compared by their worth, and
 * `re_match` works, as it does in Java. A comparison of values without an order, or of a missing one, is false.
 *
 * @throws QmfError `query_too_costly` beyond two million steps
 */
export function evaluatePredicate(predicate: Predicate, attributes: ValueMap): boolean {
  return withoutPause(
    evaluating(predicate, attributes, new StepMeter('the predicate', queryLimits.locateSteps)),
  );
}

/**
 * The same, counted by a meter that many evaluations may share: a step for each expression, each state of a pattern at each character
 * of its text, and each {@link STEP_TEXT} characters compared. Pauses where the meter is due.
 *
 * @throws QmfError `query_too_costly`
 */
export function* evaluating(predicate: Predicate, attributes: ValueMap, meter: StepMeter): Paused<boolean> {
  meter.spend(1);
  if (meter.isDue) yield;
  switch (predicate.op) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'and':
      for (const term of predicate.terms) if (!(yield* evaluating(term, attributes, meter))) return false;
      return true;
    case 'or':
      for (const term of predicate.terms) if (yield* evaluating(term, attributes, meter)) return true;
      return false;
    case 'not':
      for (const term of predicate.terms) if (yield* evaluating(term, attributes, meter)) return false;
      return true;
    case 'exists':
      return valueOf(predicate.operand, attributes) !== undefined;
    default:
      return yield* comparing(predicate, attributes, meter);
  }
}

/** `undefined` for an attribute that is missing, which is not the same as void. */
function valueOf(operand: Operand, attributes: ValueMap): Value | undefined {
  return operand.kind === 'literal' ? operand.value : attributes.get(operand.name);
}

function* comparing(
  predicate: Extract<Predicate, { op: ComparisonOperator }>,
  attributes: ValueMap,
  meter: StepMeter,
): Paused<boolean> {
  const left = valueOf(predicate.left, attributes);
  const right = valueOf(predicate.right, attributes);
  if (left === undefined || right === undefined) return false;
  spendLength(left, meter);
  if (predicate.op === 're_match') return yield* searching(predicate.right, right, left, meter);
  spendLength(right, meter);
  switch (predicate.op) {
    case 'eq':
      return sameText(left, right);
    case 'ne':
      return !sameText(left, right);
    default:
      return ordered(predicate.op, orderOf(left, right));
  }
}

/** Characters of a text that cost as much as one state of a pattern. */
const STEP_TEXT = 16;

/** Counts the text of a value, that of nested values once for each level. Gives its length. */
function spendLength(value: Value, meter: StepMeter): number {
  let length = 1;
  if (typeof value === 'string' || value instanceof Uint8Array) length = value.length;
  else if (isValueMap(value)) {
    for (const [key, item] of value) length += key.length + 2 + spendLength(item, meter);
  } else if (isValueList(value)) {
    for (const item of value) length += 2 + spendLength(item, meter);
  } else return length;
  meter.spend(Math.ceil(length / STEP_TEXT));
  return length;
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

function* searching(operand: Operand, pattern: Value, subject: Value, meter: StepMeter): Paused<boolean> {
  let usable = operand.kind === 'literal' ? compiled.get(operand) : undefined;
  if (usable === undefined) {
    usable = compileOrNull(textOf(pattern));
    meter.spend(usable?.size ?? 1);
    if (operand.kind === 'literal') compiled.set(operand, usable);
  }
  return usable !== null && (yield* usable.searching(wordsOf(subject), meter));
}

/** Literals are checked when a predicate is read; the value of an attribute may still be no pattern. */
function compileOrNull(pattern: string | undefined): Pattern | null {
  if (pattern === undefined) return null;
  try {
    return Pattern.compile(pattern);
  } catch {
    return null;
  }
}
