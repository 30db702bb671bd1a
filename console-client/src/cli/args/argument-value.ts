import { Float, QmfError, type SchemaProperty } from '@imagefactory/qmf';
import { decodeNative, encodeNative } from '@imagefactory/qmf/wire';
import { isInputError } from '@imagefactory/text';
import { CliError, usageError } from '../errors.js';
import { exactDouble, exactNumber } from './exact-number.js';
import { parseNotation } from './notation.js';

/** Where an argument's text came from: what is typed may be `null`, what is in a file is taken as it stands. */
export type ArgumentSource =
  | { readonly kind: 'typed'; readonly text: string }
  | { readonly kind: 'file'; readonly text: string };

const MIN_INT = -(2n ** 63n);
const MAX_INT = 2n ** 64n - 1n;

/**
 * An argument's value by its schema type.
 *
 * @throws CliError usage that names the argument and what is expected
 */
export function readArgument(argument: SchemaProperty, source: ArgumentSource): unknown {
  if (source.kind === 'typed' && source.text === 'null') return null;
  const { text } = source;
  if (argument.type === 'string') return text;
  const value = readValue(argument, source.kind === 'typed' ? text : text.trim());
  try {
    // Finds out now whether the library will take it, and not after something was sent.
    decodeNative(argument.type, encodeNative(argument.type, value, argument.name));
  } catch {
    throw wrong(argument, text);
  }
  return value;
}

function readValue(argument: SchemaProperty, text: string): unknown {
  switch (argument.type) {
    case 'bool':
      if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
      break;
    case 'int':
      if (/^([+-]?\d+|0x[0-9a-f]+)$/i.test(text)) {
        const value = BigInt(text.replace(/^\+/, ''));
        if (value >= MIN_INT && value <= MAX_INT) return value;
      }
      break;
    case 'float':
      return readFloat(argument, text);
    case 'map':
    case 'list':
      return readNotation(argument, text);
    case 'uuid':
    case 'string':
      return text;
    case 'void':
      break;
  }
  throw wrong(argument, text);
}

function readFloat(argument: SchemaProperty, text: string): number | Float {
  const number = exactNumber(text);
  // A whole number is a double here too, if it is one.
  if (number !== undefined) return number instanceof Float ? number : exactDouble(text);
  const other = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(other)) throw wrong(argument, text);
  return other;
}

function readNotation(argument: SchemaProperty, text: string): unknown {
  try {
    return parseNotation(text, 'it');
  } catch (error) {
    if (error instanceof QmfError || isInputError(error)) throw wrong(argument, text, error.message);
    throw error instanceof CliError
      ? usageError(
          `argument ${argument.name} (${argument.type.toUpperCase()}): ${error.message}`,
          error.remedy,
        )
      : error;
  }
}

const expectations: Readonly<Record<SchemaProperty['type'], string>> = {
  void: 'null',
  bool: 'true or false',
  int: 'a whole number that fits into 64 bits',
  float: 'a number',
  string: 'text',
  map: 'a map such as \'{"key": "value"}\' or {key: value}',
  list: 'a list such as \'[1, "two"]\' or [1, two]',
  uuid: 'a uuid such as 6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44',
};

function wrong(argument: SchemaProperty, text: string, reason?: string): Error {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return usageError(
    `argument ${argument.name} (${argument.type.toUpperCase()}): '${shown}' was given, ${expectations[argument.type]} is expected`,
    reason,
  );
}
