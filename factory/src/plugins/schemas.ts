import { errorLine } from '../platform/index.js';
import type { Json, JsonSchema } from '@imagefactory/plugin-api';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';

const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true });
const compiled = new WeakMap<JsonSchema, ValidateFunction>();

/** @throws Error if that is no JSON Schema, with the reason */
export function assertSchema(plugin: string, schema: JsonSchema): void {
  try {
    validatorOf(schema);
  } catch (error) {
    throw new Error(`plugin ${plugin} declares no JSON Schema: ${errorLine(error)}`, { cause: error });
  }
}

/**
 * The faults of a value, each with the path of the part and the remedy; none if it follows the schema. They quote nothing of the value, which may
 * hold a secret.
 */
export function schemaProblems(schema: JsonSchema, value: Json): readonly string[] {
  const validate = validatorOf(schema);
  return validate(value) ? [] : (validate.errors ?? []).map(problemOf);
}

function validatorOf(schema: JsonSchema): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const validate = ajv.compile(schema);
  compiled.set(schema, validate);
  return validate;
}

function problemOf({ instancePath, keyword, message = 'is wrong', params }: ErrorObject): string {
  const path = instancePath.slice(1).replaceAll('/', '.');
  const at = (name: unknown): string => [path, String(name)].filter(part => part !== '').join('.');
  if (keyword === 'additionalProperties') return `${at(params['additionalProperty'])} is unknown`;
  if (keyword === 'required') return `${at(params['missingProperty'])} is missing`;
  if (keyword === 'enum')
    return `${path} must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`;
  return `${path} ${message}`.trim();
}
