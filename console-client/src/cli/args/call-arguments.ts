import { type SchemaMethod, type SchemaProperty } from '@imagefactory/qmf';
import { nearest } from '@imagefactory/text';
import { usageError } from '../errors.js';
import { type ArgumentSource, readArgument } from './argument-value.js';
import { inputsOf, signatureOf } from './signature.js';

/** How arguments that stand for something else are read. */
export interface ArgumentReader {
  /** The text of a file, or of standard input for `-`; the second is what it is for, in errors. */
  readonly readText: (path: string, what: string) => Promise<string>;
}

/**
 * The arguments of a call: by position in the schema's order, then as `name=value`. `@file` reads one from a file (`@@` is a
 * plain `@`), `-` from standard input, `null` is no value.
 *
 * @throws CliError usage, with the method's signature, before anything is sent
 */
export async function readCallArguments(
  method: SchemaMethod,
  words: readonly string[],
  reader: ArgumentReader,
): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const [argument, word] of assignWords(method, words)) {
    values[argument.name] = readArgument(argument, await sourceOf(argument, word, reader));
  }
  return values;
}

/**
 * Which argument each word is for, without the name in front of it.
 *
 * @throws CliError usage, with the method's signature
 */
export function assignWords(method: SchemaMethod, words: readonly string[]): Map<SchemaProperty, string> {
  const inputs = inputsOf(method);
  const assigned = new Map<SchemaProperty, string>();
  let named = false;
  for (const [index, word] of words.entries()) {
    const byName = namedArgument(method, word);
    if (byName === undefined) refuseMisspelt(method, words, index);
    if (byName === undefined && named) {
      throw wrongCall(method, `'${shorten(word)}' comes after an argument with a name, and has none`);
    }
    const argument = byName?.argument ?? inputs[index];
    if (argument === undefined) {
      throw wrongCall(method, `${words.length} arguments were given, ${inputs.length} are expected`);
    }
    if (assigned.has(argument)) throw wrongCall(method, `argument ${argument.name} was given twice`);
    assigned.set(argument, byName?.text ?? word);
    named = byName !== undefined;
  }
  const missing = inputs.filter(argument => !assigned.has(argument)).map(({ name }) => name);
  if (missing.length > 0) {
    throw wrongCall(method, `missing: ${missing.join(', ')}`, "give null for what you don't want to set");
  }
  return assigned;
}

/**
 * Refuses a word that looks like an argument with its name and is none: it would become a value, name and all. The name is misspelt, is
 * followed by a colon, or stands apart from its `=`. A text that only looks so can be given by the name of its argument.
 */
function refuseMisspelt(method: SchemaMethod, words: readonly string[], index: number): void {
  const word = words[index] ?? '';
  const names = inputsOf(method).map(({ name }) => name);
  const before = words[index - 1] ?? '';
  if (word.startsWith('=') && /^[\w.-]{1,60}$/.test(before) && nearest(before, names) !== undefined)
    throw wrongCall(
      method,
      `'${before}' and '${shorten(word)}' are two words`,
      'write name=value without blanks',
    );
  const [, name = '', sign = '', rest = ''] = /^([\w.-]{3,60})([=:])([^]*)$/.exec(word) ?? [];
  if (name === '') return;
  const near = sign === '=' ? nearest(name, names) : nearestBeforeColon(name, rest, names);
  // A text hardly goes on with a file; whose argument it is for is not known.
  if (near === undefined && !(sign === '=' && rest.length > 1 && isReference(rest))) return;
  const problem =
    near === name
      ? `'${shorten(word)}' has a colon where = is expected`
      : `no argument is called '${name}'${near === undefined ? '' : `; did you mean ${near}?`}`;
  throw wrongCall(
    method,
    problem,
    `write name=value; give a text that begins with ${name}${sign} by the name of its argument`,
  );
}

/** More texts have a colon than a `=`, such as URLs and the names of agents. */
function nearestBeforeColon(name: string, rest: string, names: readonly string[]): string | undefined {
  if (rest.startsWith('//')) return undefined;
  return names.find(known => known === name) ?? (name.length < 5 ? undefined : nearest(name, names));
}

/** The argument that a word names, `name=value`, and the value. */
export function namedArgument(
  method: SchemaMethod,
  word: string,
): { readonly argument: SchemaProperty; readonly text: string } | undefined {
  const equals = word.indexOf('=');
  const argument =
    equals < 0 ? undefined : inputsOf(method).find(({ name }) => name === word.slice(0, equals));
  return argument === undefined ? undefined : { argument, text: word.slice(equals + 1) };
}

/** Whether a word says where the value is to be read: `@file`, or `-` for standard input. */
export function isReference(word: string): boolean {
  return word === '-' || /^@(?!@)/.test(word);
}

async function sourceOf(
  argument: SchemaProperty,
  word: string,
  { readText }: ArgumentReader,
): Promise<ArgumentSource> {
  if (!isReference(word)) return { kind: 'typed', text: word.startsWith('@@') ? word.slice(1) : word };
  const path = word === '-' ? word : word.slice(1);
  return { kind: 'file', text: await readText(path, `argument ${argument.name}`) };
}

function wrongCall(method: SchemaMethod, problem: string, remedy?: string): Error {
  return usageError(`${signatureOf(method)}: ${problem}`, remedy);
}

function shorten(word: string): string {
  return word.length > 40 ? `${word.slice(0, 40)}…` : word;
}
