import type { PlainInput, SchemaMethod, SchemaProperty } from '@imagefactory/qmf';
import { assignWords, isReference } from '../args/call-arguments.js';
import { parseNotation } from '../args/notation.js';
import { exitCodes } from '../exit-codes.js';

/** A line of the REPL after it was run, as commander and the schema have read it. */
export interface RunLine {
  readonly text: string;
  /** The words that commander was given; absent if the line could not be split. */
  readonly words?: readonly string[];
  /** The command that ran, and its operands; absent if commander refused the line. */
  readonly command?: { readonly name: string; readonly operands: readonly string[] };
  /** The method that a `call` resolved to; absent if it got no further. */
  readonly method?: SchemaMethod;
  readonly exitCode: number;
}

const secretName = /pass|pwd|pw\b|secret|cred|token|key|auth|private|signature|bearer|cookie|\b(otp|pin)\b/i;

/** The name of a secret with its value behind it, as in `user=me,password=x` or `Authorization: Bearer x`. */
const namedSecret = new RegExp(
  `[\\w-]*(?:${secretName.source})[\\w-]*["']?\\s*[=:](?!=)\\s*(?!$|-$|null$|@[^@])`,
  'i',
);

/**
 * Whether a line may be written to the history. Not kept are: a line that begins with a space, by which shells too are told to
 * forget; a line that was refused as wrong use, because nothing says which of its words is a secret; and a line with a secret in the
 * open. `@file`, `-` and the names of files in options are no secrets.
 */
export function mayBeKept({ text, words, command, method, exitCode }: RunLine): boolean {
  if (/^\s/.test(text) || words === undefined || command === undefined) return false;
  if (exitCode === exitCodes.usage || words.some(showsSecret)) return false;
  if (command.name !== 'call') return true;
  const given = command.operands.slice(2);
  if (method === undefined) return given.every(isHarmless);
  return [...assignWords(method, given)].every(
    ([argument, word]) => isHarmless(word) || !isSecretArgument(argument),
  );
}

/** QMF's schemas have no type for secrets: the name and the description of an argument say it. */
function isSecretArgument({ name, desc }: SchemaProperty): boolean {
  return secretName.test(name) || secretName.test(desc);
}

/** An argument that is read from elsewhere, or none. */
function isHarmless(word: string): boolean {
  return word === '' || word === 'null' || isReference(word);
}

/** Whether a word holds a secret whatever it is an argument of. */
function showsSecret(word: string): boolean {
  const [, notation] = /^(?:[\w-]+=)?(\s*[{[][^]*)$/.exec(word) ?? [];
  return isSecretText(word) || (notation !== undefined && hasSecret(notation));
}

function isSecretText(text: string): boolean {
  return (
    // A document: templates have root passwords, credentials are documents.
    /<[a-z/!?]/i.test(text) ||
    // `user:password@host`, and what may be signed: `https://host/path?token=…`.
    /:[^]*@/.test(text) ||
    /:\/\/[^]*[?#]/.test(text) ||
    // A method that is known judges by its arguments; of any other text the name is all there is.
    namedSecret.test(text)
  );
}

/** Whether a map, list, query or predicate holds a secret, or the name of one, as the command that takes it reads it. */
function hasSecret(notation: string): boolean {
  if (secretName.test(notation)) return true;
  try {
    return plainTexts(parseNotation(notation, 'it')).some(
      text => secretName.test(text) || isSecretText(text),
    );
  } catch {
    return false; // the same reader refused it when the line was run, or it was a text of its own
  }
}

function plainTexts(value: PlainInput): readonly string[] {
  if (typeof value === 'string') return [value];
  if (isSequence(value)) return value.flatMap(plainTexts);
  return isMapping(value) ? Object.entries(value).flatMap(([key, item]) => [key, ...plainTexts(item)]) : [];
}

function isSequence(value: PlainInput): value is readonly PlainInput[] {
  return Array.isArray(value);
}

function isMapping(value: PlainInput): value is Readonly<Record<string, PlainInput>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
