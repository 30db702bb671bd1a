import { BuildError } from '@imagefactory/plugin-api';

/** A place in the text of a template; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The error of a template that can't be used: where, what is wrong, and what would be right. Never quotes a password. */
export function templateError(at: Position, what: string, remedy: string): BuildError {
  return new BuildError('template_invalid', `line ${at.line}, column ${at.column}: ${what}; ${remedy}`);
}

/** Line and column of `offset` in `text`. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

/** A piece of the template for an error text: on one line, without control characters, cut where it is long. */
export function quoted(text: string): string {
  const shown = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return `'${shown.length > 40 ? `${shown.slice(0, 39)}…` : shown}'`;
}
