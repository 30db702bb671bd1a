/** A place in the text of a template; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Finds line and column of places in one text, without going through all of it each time. */
export class LineIndex {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  at(offset: number): Position {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#starts[low] ?? 0) + 1 };
  }
}

/** A piece of the template for an error text: on one line, without control characters, with odd blanks shown, cut where it is long. */
export function quoted(text: string): string {
  const shown = text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/(?! )\p{Zs}/gu, blank => `\\u${blank.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .trim();
  return `'${shown.length > 40 ? `${shown.slice(0, 39)}…` : shown}'`;
}
