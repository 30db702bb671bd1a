export * from './build.js';
export { evaluatePredicate } from './evaluate.js';
export {
  type ComparisonOperator,
  comparisonOperators,
  type LogicalOperator,
  logicalOperators,
  type Operand,
  type Predicate,
  type Query,
  queryLimits,
} from './predicate.js';
export { printPredicate, printQuery } from './print.js';
export { parsePredicate, parseQuery } from './text-form.js';
export { parseValue } from './text-parser.js';
export { valueOfWord } from './words.js';
export { predicateFromValue, predicateToValue } from './wire-form.js';
