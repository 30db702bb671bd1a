import { entry, isJsonList, isJsonMap, type Json, print } from './notation.js';

/** Differences at most between a message and the one before that it is likened to; with more it is better read as a whole. */
const FEW = 4;

/**
 * Messages of one stream, each after the first as its differences from the one before where these are few: a list of percentages is read at a
 * glance, and a change of what all have in common is one difference.
 */
export function likened(messages: readonly Json[]): Json[] {
  return messages.map((message, index) => {
    const before = messages[index - 1];
    const changes = before === undefined ? undefined : changesOf(before, message, '');
    if (changes === undefined || changes.size > FEW) return message;
    return entry('as before, but', changes);
  });
}

/** The values that differ, by their paths; `undefined` if the two have not the same form: keys and their order, lengths, types. */
function changesOf(before: Json, after: Json, path: string): Map<string, Json> | undefined {
  const changes = new Map<string, Json>();
  if (isLeaf(before) && isLeaf(after)) {
    if (print(before) !== print(after)) changes.set(path.slice(1), after);
    return changes;
  }
  const [left, right] = [childrenOf(before), childrenOf(after)];
  if (left === undefined || right === undefined || left.length !== right.length) return undefined;
  for (const [index, [key, value]] of left.entries()) {
    const [otherKey, otherValue] = right[index] ?? ['', null];
    const found = key === otherKey ? changesOf(value, otherValue, `${path}/${key}`) : undefined;
    if (found === undefined) return undefined;
    for (const [place, change] of found) changes.set(place, change);
  }
  return changes;
}

/** A value with its type is one thing. */
function isLeaf(json: Json): boolean {
  if (isJsonMap(json)) return json.size === 1 && [...json.keys()].every(key => key.startsWith('$'));
  return !isJsonList(json);
}

function childrenOf(json: Json): (readonly [string, Json])[] | undefined {
  if (isLeaf(json)) return undefined;
  if (isJsonMap(json)) return [...json];
  return isJsonList(json) ? json.map((item, index) => [String(index), item] as const) : undefined;
}
