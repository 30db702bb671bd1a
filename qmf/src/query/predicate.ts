import type { Value } from '../value/value.js';

export const comparisonOperators = ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 're_match'] as const;
export type ComparisonOperator = (typeof comparisonOperators)[number];

export const logicalOperators = ['and', 'or', 'not'] as const;
export type LogicalOperator = (typeof logicalOperators)[number];

/**
 * A condition on the properties of an object or the attributes of an agent (wire document §5.1).
 *
 * `not` is true when none of its terms is; without terms `and` and `not` are true and `or` is false.
 */
export type Predicate =
  | { readonly op: 'true' }
  | { readonly op: 'false' }
  | { readonly op: LogicalOperator; readonly terms: readonly Predicate[] }
  | { readonly op: ComparisonOperator; readonly left: Operand; readonly right: Operand }
  | { readonly op: 'exists'; readonly operand: Operand };

/** What a comparison looks at: the attribute of a name, or a value as it stands. */
export type Operand =
  | { readonly kind: 'attribute'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: Value };

/** Which objects a query asks for: those of a class for which the predicate holds. */
export interface Query {
  /** Package of the class. C++ agents take '' literally and find nothing; the broker takes it for any package. */
  readonly package: string;
  readonly class: string;
  /** Left out: all objects of the class. */
  readonly where?: Predicate;
}

/** Bounds for predicates and queries that come from elsewhere. */
export const queryLimits = {
  /** Expressions inside each other. */
  depth: 32,
  /** Lists and maps inside each other in a text form, literals included. */
  textDepth: 64,
  /** Expressions, operands and values inside literals in all, or lists, maps and words in a text form. */
  nodes: 4096,
  /** Patterns of `re_match` that stand in a predicate. */
  patterns: 128,
  /** UTF-16 units of a text form; UTF-16 units or bytes of a literal. */
  textLength: 65_536,
  /** Steps of one query over all objects, see `StepMeter`; some tenths of a second. */
  querySteps: 20_000_000,
  /** Steps of one publication of changes to a subscriber. */
  publicationSteps: 5_000_000,
  /** Steps of a locate request, and of a predicate that is evaluated at once. */
  locateSteps: 2_000_000,
} as const;

export function isComparisonOperator(word: string): word is ComparisonOperator {
  return (comparisonOperators as readonly string[]).includes(word); // widened, as includes() takes only members
}

export function isLogicalOperator(word: string): word is LogicalOperator {
  return (logicalOperators as readonly string[]).includes(word); // widened, as includes() takes only members
}
