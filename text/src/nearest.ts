/** Letters from which on a word is taken for a part of a name. */
const SHORTEST_PART = 3;

/** The word of `known` that `word` is most likely a misspelling, or else a part, of; undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const given = word.toLowerCase().slice(0, 60);
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(given, name.toLowerCase());
    const isNearer =
      best === undefined ||
      distance < best.distance ||
      (distance === best.distance && name.length > best.name.length);
    if (isNearer) best = { name, distance };
  }
  return best !== undefined && best.distance <= Math.max(2, Math.floor(best.name.length / 3))
    ? best.name
    : known.find(name => isPart(given, name.toLowerCase()));
}

/** Whether a name begins with the word, or ends with it from one of its own words on: `image` or `uuid` of `image_uuid`. */
function isPart(word: string, name: string): boolean {
  if (word.length < SHORTEST_PART) return false;
  return (
    name.startsWith(word) || (/[._-]/.test(name.slice(0, -word.length).slice(-1)) && name.endsWith(word))
  );
}

/** Levenshtein's distance: insertions, deletions and replacements between two words. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [row, letter] of Array.from(left).entries()) {
    const current = [row + 1];
    for (const [column, other] of Array.from(right).entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
