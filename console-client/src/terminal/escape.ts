/**
 * What a terminal may take for an order, or what may turn the reading direction of what follows: C0, DEL and C1 controls,
 * bidirectional marks and overrides, line and paragraph separators, and halves of surrogate pairs.
 */
const dangerous = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\x1b': '\\e' };

/** Text from the bus, safe to print: agents must not write escape sequences to the user's terminal. */
export function escapeControls(text: string): string {
  return text.replace(dangerous, character => short[character] ?? unicodeEscape(character));
}

/** The same for finished JSON, which stays JSON of the same meaning. */
export function escapeJsonControls(json: string): string {
  return json.replace(dangerous, unicodeEscape);
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
