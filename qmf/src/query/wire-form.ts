import { QmfError } from '../errors.js';
import { textOf } from '../value/text.js';
import { Float, Int, isValueList, isValueMap, Uuid, type Value, type ValueList } from '../value/value.js';
import { Pattern } from './pattern.js';
import {
  type ComparisonOperator,
  isComparisonOperator,
  isLogicalOperator,
  type Operand,
  type Predicate,
  queryLimits,
} from './predicate.js';

/** Where in the list form something is: the indices that lead to it from the outermost list. */
export type ListPath = readonly number[];

/** Words for a place; the text form knows it by its character, the list form by its path. */
export type Locate = (path: ListPath) => string;

/**
 * A predicate out of its wire form, a list such as `["eq", "name", ["quote", "left"]]`. Strings may be binary, as C++ sends
 * them. The empty list is the predicate that is always true. `["unquote", name]`, from an old draft, is read as the name.
 *
 * @throws QmfError `invalid_query` that begins with the text that C++ peers use (wire document §5.1), and names the place by
 *   its indices, such as `[1][2]`.
 */
export function predicateFromValue(value: Value): Predicate {
  return readPredicate(value, locateByPath);
}

function locateByPath(path: ListPath): string {
  return path.length === 0 ? 'at the outermost list' : `at ${path.map(index => `[${index}]`).join('')}`;
}

/** Like {@link predicateFromValue}, for a form that knows places otherwise. */
export function readPredicate(value: Value, locate: Locate): Predicate {
  if (!isValueList(value)) {
    throw new QmfError('invalid_query', `A predicate must be a list, not ${describe(value)}, ${locate([])}`);
  }
  return value.length === 0 ? { op: 'true' } : new PredicateReader(locate).expression(value, []);
}

/** One reading of one predicate; counts what it has seen against the limits. */
class PredicateReader {
  readonly #locate: Locate;
  #nodes = 0;
  #patterns = 0;

  constructor(locate: Locate) {
    this.#locate = locate;
  }

  expression(list: ValueList, path: ListPath): Predicate {
    this.#count(path);
    const op = operatorOf(list[0]);
    if (op === undefined) {
      throw this.#error(
        'Invalid operator in predicate expression',
        [...path, 0],
        `the name of an operator is expected, not ${describe(list[0])}`,
      );
    }
    const operands = list.slice(1);
    if (isLogicalOperator(op)) return { op, terms: this.#terms(op, operands, path) };
    if (isComparisonOperator(op)) return this.#comparison(op, operands, path);
    switch (op) {
      case 'exists': {
        const [operand] = this.#exactly(1, op, operands, path);
        return { op, operand: this.#operand(op, operand, [...path, 1]) };
      }
      case 'true':
      case 'false':
        this.#exactly(0, op, operands, path);
        return { op };
      default:
        throw this.#error(
          'Invalid operator in predicate expression',
          [...path, 0],
          `'${op}' is none of and, or, not, eq, ne, lt, le, gt, ge, re_match, exists, true, false`,
        );
    }
  }

  #terms(op: string, operands: ValueList, path: ListPath): Predicate[] {
    return operands.map((operand, index) => {
      const here = [...path, index + 1];
      if (!isValueList(operand)) {
        throw this.#error(`Operands of ${op} must be lists`, here, `found ${describe(operand)}`);
      }
      return this.expression(operand, here);
    });
  }

  #comparison(op: ComparisonOperator, operands: ValueList, path: ListPath): Predicate {
    const [first, second] = this.#exactly(2, op, operands, path);
    const left = this.#operand(op, first, [...path, 1]);
    const right = this.#operand(op, second, [...path, 2]);
    if (op === 're_match' && right.kind === 'literal') this.#checkPattern(right.value, [...path, 2]);
    return { op, left, right };
  }

  #exactly(wanted: number, op: string, operands: ValueList, path: ListPath): ValueList {
    if (operands.length === wanted) return operands;
    const few = operands.length < wanted;
    throw this.#error(
      few ? 'Too few operands for operation' : 'Too many operands for operation',
      path,
      `'${op}' takes ${wanted}, and ${operands.length} are given`,
    );
  }

  #operand(op: string, operand: Value | undefined, path: ListPath): Operand {
    this.#count(path);
    const name = textOf(operand);
    if (name !== undefined) return { kind: 'attribute', name };
    if (operand !== undefined && isValueList(operand)) return this.#quoted(operand, path);
    throw this.#error(
      `Expected string or list as operand for ${op}`,
      path,
      `found ${describe(operand)}; a literal is written [quote, ...]`,
    );
  }

  #quoted(list: ValueList, path: ListPath): Operand {
    const [head, token = null] = list;
    const word = textOf(head);
    if (word === 'quote') {
      if (list.length > 2)
        throw this.#error("Extra tokens at end of 'quote'", path, 'one literal is expected');
      this.#countLiteral(token, path);
      return { kind: 'literal', value: token };
    }
    const name = textOf(token);
    if (word === 'unquote' && list.length === 2 && name !== undefined) return { kind: 'attribute', name };
    throw this.#error("Expected '[quote, <token>]'", path, `found a list that begins with ${describe(head)}`);
  }

  #checkPattern(value: Value, path: ListPath): void {
    if (++this.#patterns > queryLimits.patterns) {
      const remedy = `at most ${queryLimits.patterns} patterns; join some with |`;
      throw this.#error('Predicate too large', path, remedy);
    }
    const pattern = textOf(value);
    if (pattern === undefined) {
      throw this.#error('Invalid pattern for re_match', path, `text is expected, not ${describe(value)}`);
    }
    try {
      Pattern.compile(pattern);
    } catch (error) {
      const { message } = QmfError.from(error, 'invalid_query');
      throw this.#error('Invalid pattern for re_match', path, message);
    }
  }

  /** The values inside a literal are compared one by one, so they count like expressions. */
  #countLiteral(value: Value, path: ListPath): void {
    if (typeof value === 'string' || value instanceof Uint8Array) {
      if (value.length <= queryLimits.textLength) return;
      const limit = `at most ${queryLimits.textLength} characters or bytes in a literal`;
      throw this.#error('Predicate too large', path, limit);
    }
    const items = isValueMap(value) ? value.values() : isValueList(value) ? value : [];
    for (const item of items) {
      this.#countNode(path);
      this.#countLiteral(item, path);
    }
  }

  #countNode(path: ListPath): void {
    if (++this.#nodes > queryLimits.nodes) {
      const limit = `at most ${queryLimits.nodes} expressions, operands and values inside literals`;
      throw this.#error('Predicate too large', path, limit);
    }
  }

  #count(path: ListPath): void {
    this.#countNode(path);
    if (path.length > queryLimits.depth) {
      throw this.#error('Predicate nested too deeply', path, `at most ${queryLimits.depth} levels`);
    }
  }

  #error(what: string, path: ListPath, detail: string): QmfError {
    return new QmfError('invalid_query', `${what} ${this.#locate(path)}: ${detail}`);
  }
}

/** An unquoted `true` in the text form is a boolean by the time it gets here, from our parser as well as from C++ peers. */
function operatorOf(head: Value | undefined): string | undefined {
  return typeof head === 'boolean' ? String(head) : textOf(head);
}

/** A value in a few words for an error message. */
export function describe(value: Value | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'a void';
  if (typeof value === 'string') return `'${value.slice(0, 40)}'`;
  if (typeof value === 'boolean') return `the boolean ${value}`;
  if (value instanceof Int) return `the integer ${value.toString()}`;
  if (value instanceof Float) return `the number ${value.toString()}`;
  if (value instanceof Uuid) return 'a uuid';
  if (isValueMap(value)) return 'a map';
  if (isValueList(value)) return 'a list';
  const text = textOf(value);
  return text === undefined ? 'binary' : `'${text.slice(0, 40)}'`;
}

/**
 * The list that stands for a predicate on the wire. Never holds an empty list as an expression, which C++ peers can't take.
 *
 * @throws QmfError `invalid_query` for more levels than {@link predicateFromValue} would read.
 */
export function predicateToValue(predicate: Predicate): ValueList {
  return expressionToList(predicate, 1);
}

function expressionToList(predicate: Predicate, depth: number): ValueList {
  if (depth > queryLimits.depth) {
    throw new QmfError('invalid_query', `the predicate has more than ${queryLimits.depth} levels`);
  }
  switch (predicate.op) {
    case 'true':
    case 'false':
      return [predicate.op];
    case 'and':
    case 'or':
    case 'not':
      return [predicate.op, ...predicate.terms.map(term => expressionToList(term, depth + 1))];
    case 'exists':
      return [predicate.op, operandToValue(predicate.operand)];
    default:
      return [predicate.op, operandToValue(predicate.left), operandToValue(predicate.right)];
  }
}

function operandToValue(operand: Operand): Value {
  return operand.kind === 'attribute' ? operand.name : ['quote', operand.value];
}
