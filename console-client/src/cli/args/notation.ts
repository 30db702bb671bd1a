import { parsePredicate, toPlain } from '@imagefactory/qmf';

/**
 * Reads a map or list written in JSON, or in the notation of QMF queries (`{key: value, list: [a, 'b c', 3]}`, wire document
 * §5.4), where numbers keep being integers or not as they are spelled.
 *
 * @returns undefined for a text that is neither
 */
export function parseNotation(text: string): unknown {
  return parseJson(text) ?? parseQmf(text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The literal of a comparison is the one place where the query language takes any value. */
function parseQmf(text: string): unknown {
  try {
    const predicate = parsePredicate(`[eq, x, [quote, ${text}]]`);
    return predicate.op === 'eq' && predicate.right.kind === 'literal'
      ? toPlain(predicate.right.value)
      : undefined;
  } catch {
    return undefined;
  }
}
