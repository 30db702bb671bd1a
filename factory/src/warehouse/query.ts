/**
 * A question in the query language of Image Warehouse: attributes and the values that they must have.
 *
 * A text in that language stands between quotation marks and knows no way to have one in it, and texts that look like numbers compare as
 * numbers. So a value with a quotation mark is left out of the question, and whoever asks has to look at the answers again.
 */
export function queryOf(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .filter(([name, value]) => /^[a-z_]+$/.test(name) && !/["\0]/.test(value))
    .map(([name, value]) => `($${name} == "${value}")`)
    .join(' && ');
}

/** The keys in the answer to a question, `/objects/object/key`; other names than ours can have are none of ours. */
export function keysIn(answer: string): readonly string[] {
  return [...answer.matchAll(/<key>\s*([\w.-]+)\s*<\/key>/g)].flatMap(([, key]) => key ?? []);
}
