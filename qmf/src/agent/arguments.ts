import { QmfError } from '../errors.js';
import { AgentException, exceptionCodes } from '../message/exception.js';
import type { ArgumentDeclaration, MethodDeclaration } from '../schema/declare.js';
import { decodeNative, encodeNative, isCompatible, type Native } from '../schema/native.js';
import { describeSchemaId, type Schema } from '../schema/schema.js';
import type { Value, ValueMap } from '../value/value.js';

/** Checks and decodes the arguments of a call. */
export type InputDecoder = (given: ValueMap) => Record<string, Native>;

/**
 * Makes what checks the arguments of calls against the declaration and decodes them (wire document §3.5, §4.5). Missing ones count as
 * null, null as not given. It throws an AgentException with the C++ agent's words, and what to do.
 */
export function inputDecoder(method: string, declaration: MethodDeclaration): InputDecoder {
  const expected = new Map(
    Object.entries(declaration.arguments).filter(([, argument]) => argument.dir !== 'O'),
  );
  return given => {
    for (const name of given.keys()) {
      if (expected.has(name)) continue;
      const names = [...expected.keys()].join(', ');
      throw invalid(name, `${method} takes ${names === '' ? 'no arguments' : names}`);
    }
    return decodeInputs(expected, given);
  };
}

function decodeInputs(
  expected: ReadonlyMap<string, ArgumentDeclaration>,
  given: ValueMap,
): Record<string, Native> {
  const inputs: Record<string, Native> = {};
  for (const [name, argument] of expected) {
    const value = given.get(name) ?? null;
    if (value === null) {
      if (!mayBeMissing(argument))
        throw invalid(name, `it is missing; ${argument.type.toUpperCase()} is expected`);
    } else if (isCompatible(argument.type, value)) {
      inputs[name] = decodeNative(argument.type, value);
    } else {
      throw invalid(name, `${argument.type.toUpperCase()} is expected`);
    }
  }
  return inputs;
}

function mayBeMissing(argument: ArgumentDeclaration): boolean {
  return argument.nullable === true || argument.optional === true || argument.type === 'void';
}

function invalid(name: string, detail: string): AgentException {
  return new AgentException(
    `Invalid argument: ${name.slice(0, 60)} (${detail})`,
    exceptionCodes.invalidParameter,
  );
}

/** @throws QmfError `invalid_argument` when the handler gave what its declaration doesn't promise: a bug of the agent's. */
export function encodeOutputs(method: string, declaration: MethodDeclaration, outputs: object): ValueMap {
  const map = new Map<string, Value>();
  for (const [name, value] of Object.entries(outputs) as [string, unknown][]) {
    const argument = declaration.arguments[name];
    if (argument === undefined || argument.dir === 'I') {
      throw new QmfError('invalid_argument', `${method} gave ${name}, which is no result of it`);
    }
    map.set(name, encodeNative(argument.type, value, `result ${name}`));
  }
  return map;
}

/** Property values of an object or event as on the wire; `undefined` ones are left out. */
export function encodeValues(schema: Schema, values: object): ValueMap {
  const map = new Map<string, Value>();
  for (const [name, value] of Object.entries(values) as [string, unknown][]) {
    const property = schema.properties.find(candidate => candidate.name === name);
    if (property === undefined) {
      throw new QmfError('invalid_argument', `${describeSchemaId(schema.id)} has no property ${name}`);
    }
    if (value !== undefined) map.set(name, encodeNative(property.type, value, `property ${name}`));
  }
  return map;
}
