import type { SchemaMethod, SchemaProperty } from '@imagefactory/qmf';
import { assignWords, isReference } from '../args/call-arguments.js';
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

const secretName = /pass|pwd|secret|cred|token|key|auth|private|signature/i;

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
  return (
    // A document: templates have root passwords, credentials are documents.
    /<[a-z/!?]/i.test(word) ||
    // `user:password@host`, and what may be signed: `https://host/path?token=…`.
    /:[^]*@/.test(word) ||
    /:\/\/[^]*\?/.test(word) ||
    // A map, list, query or predicate with a name that belongs to a secret.
    (/^([\w-]+=)?\s*[{[]/.test(word) && secretName.test(word)) ||
    // `name=value` of no method that is known; what a method knows is judged by its argument.
    /^\w*(pass|pwd|secret|token|cred)\w*=(?!$|-$|null$|@[^@])/i.test(word)
  );
}
