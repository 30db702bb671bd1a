import type { Sink, Terminal } from './streams.js';

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof codes;

/** Puts a style on a text, or leaves it as it is where colours are not wanted. */
export type Painter = (text: string, style: Style | undefined) => string;

export const unpainted: Painter = text => text;

const painted: Painter = (text, style) =>
  style === undefined || text === '' ? text : `\u001b[${codes[style]}m${text}\u001b[0m`;

/** Colours go to terminals only, and not where NO_COLOR is set (no-color.org) or the terminal is dumb. */
export function painterFor(sink: Sink, env: Terminal['env']): Painter {
  const wanted = sink.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return wanted ? painted : unpainted;
}
