import { usageError } from '../errors.js';

/** A word of a line, as it stands there and as it is meant. */
export interface Word {
  readonly raw: string;
  readonly text: string;
  /** Where the raw word begins in the line. */
  readonly start: number;
}

export interface Scan {
  /** All words; the last one is empty if the line ends with space. */
  readonly words: readonly Word[];
  /** The quote or bracket that is still open at the end of the line. */
  readonly open: string | undefined;
}

/**
 * Splits a line as a shell does, with 'single' and "double" quotes and backslashes; only that a word which begins with `{` or
 * `[`, also after `name=`, goes on to the matching bracket, so that queries, maps and lists need no more quotes.
 */
export function scanWords(line: string): Scan {
  const words: Word[] = [];
  let position = 0;
  let open: string | undefined;
  for (;;) {
    while (/\s/.test(line[position] ?? '')) position++;
    const start = position;
    let text = '';
    while (position < line.length && !/\s/.test(line[position] ?? '')) {
      const piece = readPiece(line, position, text === '' || text.endsWith('='));
      text += piece.text;
      position = piece.end;
      open = piece.open;
    }
    words.push({ raw: line.slice(start, position), text, start });
    if (position >= line.length) return { words, open };
  }
}

/** @throws CliError usage for a quote or bracket that is not closed */
export function splitLine(line: string): string[] {
  const { words, open } = scanWords(line);
  if (open !== undefined) throw usageError(`the line ends before the ${open} that would close it`);
  return words.filter(({ raw }) => raw !== '').map(({ text }) => text);
}

interface Piece {
  readonly text: string;
  readonly end: number;
  readonly open?: string;
}

function readPiece(line: string, at: number, mayBracket: boolean): Piece {
  const character = line[at] ?? '';
  if (character === "'" || character === '"') return readQuoted(line, at, character);
  if (character === '\\') return { text: line[at + 1] ?? '', end: at + 2 };
  if (mayBracket && (character === '{' || character === '[')) return readBracketed(line, at);
  return { text: character, end: at + 1 };
}

function readQuoted(line: string, at: number, quote: string): Piece {
  let text = '';
  for (let position = at + 1; position < line.length; position++) {
    const character = line[position] ?? '';
    if (character === quote) return { text, end: position + 1 };
    const next = line[position + 1];
    if (quote === '"' && character === '\\' && (next === '"' || next === '\\')) {
      text += next;
      position++;
    } else text += character;
  }
  return { text, end: line.length, open: quote };
}

const closing: Readonly<Record<string, string>> = { '{': '}', '[': ']' };

/** Everything up to the matching bracket as it stands; what is in quotes does not count as a bracket. */
function readBracketed(line: string, at: number): Piece {
  const expected: string[] = [];
  let quote: string | undefined;
  for (let position = at; position < line.length; position++) {
    const character = line[position] ?? '';
    if (quote !== undefined) {
      if (character === '\\' && quote === '"') position++;
      else if (character === quote) quote = undefined;
    } else if (character === "'" || character === '"') quote = character;
    else if (closing[character] !== undefined) expected.push(closing[character]);
    else if (character === expected.at(-1)) {
      expected.pop();
      if (expected.length === 0) return { text: line.slice(at, position + 1), end: position + 1 };
    }
  }
  return { text: line.slice(at), end: line.length, open: quote ?? expected.at(-1) ?? '' };
}
