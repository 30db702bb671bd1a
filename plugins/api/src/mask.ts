import { commonSecrets } from './common-secrets.js';

/** Hides secrets in a text that people will see. */
export interface Mask {
  /** For a text that stands by itself, such as a line of output. */
  (text: string): string;
  /** For a text inside a larger one, where being the whole of it does not make a common word a secret. */
  part(text: string): string;
  /** For one argument or value, which may be a secret whatever it is. */
  value(text: string): string;
  /** Length of the longest word that is masked. */
  readonly longest: number;
}

const mark = '***';

/**
 * Makes a {@link Mask} that writes `***` for each of `secrets`, as they are and as they look inside JSON, XML, URLs, form data and a
 * quoted word of a shell. A secret of several lines is hidden line by line too, since output is looked at one line at a time. Empty
 * ones are ignored.
 *
 * A secret of eight characters or more that is no plain word is hidden everywhere; a shorter one or a plain word, not within other
 * words; one of up to three characters or four digits, or a common word such as `debian`, only where it stands as a value: alone on its line, in
 * quotes, behind `=`, `:` or a word such as `password`. Else the gaps would say what it is, and make the text unreadable.
 */
export function createMask(secrets: readonly string[]): Mask {
  const words = new Map<string, Strength>();
  for (const secret of secrets) {
    for (const piece of [secret, ...secret.split(/[\r\n]+/)]) {
      if (piece.trim() === '') continue;
      for (const form of writtenForms(piece)) {
        const strength = strengthOf(piece);
        if (strengths.indexOf(strength) >= strengths.indexOf(words.get(form) ?? 'value'))
          words.set(form, strength);
      }
    }
  }
  // Longest first, so that a form which contains another one is hidden whole. One pass, so that a mark is never marked again.
  const ordered = [...words].sort(([a], [b]) => b.length - a.length);
  const patternOf = (alone: boolean): RegExp =>
    new RegExp(ordered.map(([word, strength]) => contextOf(word, strength, alone)).join('|'), 'gm');
  const [whole, part] = [patternOf(true), patternOf(false)];
  const hide = (text: string, pattern: RegExp): string =>
    words.size === 0 ? text : text.replace(pattern, mark);
  return Object.assign((text: string) => hide(text, whole), {
    part: (text: string) => hide(text, part),
    value: (text: string) => (words.has(text) ? mark : hide(text, whole)),
    longest: ordered[0]?.[0].length ?? 0,
  });
}

/** Where a secret is hidden: in `value`s alone, as a `word`, or in `any` place. */
const strengths = ['value', 'word', 'any'] as const;
type Strength = (typeof strengths)[number];

function strengthOf(secret: string): Strength {
  const word = secret.trim();
  if (word.length < 4 || /^\d{4}$/.test(word) || commonSecrets.has(word.toLowerCase())) return 'value';
  return word.length < 8 || /^\p{L}+$/u.test(word) ? 'word' : 'any';
}

const letter = '0-9A-Za-z_\\u00aa-\\u024f\\u0370-\\u1fff';
/** Words behind which a value is a secret, whatever its case. */
const keys = ['pass(?:word|wd|phrase)?', 'pw', 'secret', 'token', 'key', 'credentials?']
  .map(anyCase)
  .join('|');

/** A pattern for a word in the places where it counts as a secret. */
function contextOf(word: string, strength: Strength, alone: boolean): string {
  const text = escapePattern(word);
  if (strength === 'any') return text;
  if (strength === 'word') {
    const before = isLetter(word.at(0)) ? `(?<![${letter}])` : '';
    const after = isLetter(word.at(-1)) ? `(?![${letter}])` : '';
    return before + text + after;
  }
  const end = `(?=$|[\\s,;&@)}\\]"'<])`;
  const places = [
    ...(alone ? [`(?<=^[ \\t]*)${text}(?=[ \\t\\r]*$)`] : []),
    ...['"', "'", '`'].map(quote => `(?<=${quote})${text}(?=\\\\?${quote})`),
    `(?<=[=:])${text}${end}`,
    `(?<=[=:][ \\t]+)${text}(?=[ \\t\\r]*(?:$|[,;)}\\]]))`,
    `(?<=(?:${keys})["']?[\\s=:>]{1,4}(?:is )?["']?)${text}(?![${letter}])`,
  ];
  return `(?:${places.join('|')})`;
}

function isLetter(character: string | undefined): boolean {
  return new RegExp(`[${letter}]`).test(character ?? '');
}

function anyCase(pattern: string): string {
  return pattern.replace(/[a-z]/g, one => `[${one}${one.toUpperCase()}]`);
}

function writtenForms(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const url = encodeForUrl(secret);
  const xml = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return [
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    url,
    url.replace(/%[0-9A-F]{2}/g, escape => escape.toLowerCase()),
    // What encodeURIComponent leaves, URL userinfo and form data may still escape.
    url.replace(/[!'()*~]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`),
    new URLSearchParams([['', secret]]).toString().slice(1),
    xml,
    xml.replaceAll('>', '&gt;'),
    xml.replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
    xml.replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&apos;'),
    xml.replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
    secret.replaceAll("'", "'\\''"),
    secret.replace(/["$`\\]/g, '\\$&'),
    secret.replace(/[^\w@%+=:,./-]/g, '\\$&'),
  ];
}

function encodeForUrl(text: string): string {
  // Half a surrogate pair has no UTF-8 form and would make encodeURIComponent throw.
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\uFFFD'));
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
