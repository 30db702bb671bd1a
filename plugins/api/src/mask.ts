/** Hides secrets in a text that people will see. */
export interface Mask {
  (text: string): string;
  /** Length of the longest word that is masked. */
  readonly longest: number;
}

/**
 * Makes a {@link Mask} that writes `***` for each of `secrets`. A secret of several lines is hidden line by line too, since
 * output is looked at one line at a time. Empty strings are ignored.
 */
export function createMask(secrets: readonly string[]): Mask {
  const words = new Set<string>();
  for (const secret of secrets) {
    for (const word of [secret, ...secret.split(/[\r\n]+/)]) if (word !== '') words.add(word);
  }
  // Longest first, so that a secret which contains another one is hidden whole.
  const ordered = [...words].sort((a, b) => b.length - a.length);
  const mask = (text: string) => ordered.reduce((masked, word) => masked.replaceAll(word, () => '***'), text);
  return Object.assign(mask, { longest: ordered[0]?.length ?? 0 });
}
