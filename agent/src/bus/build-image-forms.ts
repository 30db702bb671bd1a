import type { Value, ValueMap } from '@imagefactory/qmf';
import { validate as isUuid } from 'uuid';

/** Arguments that callers give to the two forms of `build_image`, in their order. */
const seedNames = ['descriptor', 'target', 'image_uuid', 'sec_credentials'] as const;
const listNames = ['image', 'build', 'template', 'targets'] as const;

/** A call of `build_image`, with the names of its form. */
export interface FormedCall {
  /** `single` as of 2011, for one target; `list` as of 2012, for several. */
  readonly form: 'single' | 'list';
  readonly inputs: ValueMap;
}

/**
 * Tells which form of `build_image` a call is in: by the names of its arguments.
 *
 * Positional callers have the names from the schema that they were shown, so a call in the other revision's order comes under the wrong names.
 * Both forms take four arguments, and only one of them has a list, at the end; by that such a call is told, and renamed. A call whose
 * second argument is empty or a uuid is no misnamed one for the target of that name: its `targets` are wrong.
 */
export function formOfCall(inputs: ValueMap): FormedCall {
  const last = (name: string): Value => inputs.get(name) ?? null;
  if (hasOnly(inputs, seedNames) && isList(last('sec_credentials')))
    return { form: 'list', inputs: renamed(inputs, seedNames, listNames) };
  if (
    hasOnly(inputs, listNames) &&
    inputs.has('targets') &&
    !isList(last('targets')) &&
    isTarget(last('build'))
  )
    return { form: 'single', inputs: renamed(inputs, listNames, seedNames) };
  const isListForm = listNames.some(name => inputs.has(name)) && !seedNames.some(name => inputs.has(name));
  return { form: isListForm ? 'list' : 'single', inputs };
}

function hasOnly(inputs: ValueMap, names: readonly string[]): boolean {
  return inputs.size > 0 && [...inputs.keys()].every(name => names.includes(name));
}

/** In the list form a `build` is a uuid or empty, in that place of the other form is a target. */
function isTarget(value: Value): boolean {
  return typeof value === 'string' && value.trim() !== '' && !isUuid(value.trim());
}

function isList(value: Value): boolean {
  return Array.isArray(value);
}

function renamed(inputs: ValueMap, from: readonly string[], to: readonly string[]): ValueMap {
  return new Map([...inputs].map(([name, value]) => [to[from.indexOf(name)] ?? name, value]));
}
