import { QmfError } from '../errors.js';
import { integerOf, mapOf, textOf } from '../value/text.js';
import { uint32, type Value, type ValueMap } from '../value/value.js';

/** Codes of exceptions, as the broker's own agent uses them (wire document §3.7); `busy` is ours. */
export const exceptionCodes = {
  unknownObject: 1,
  unknownMethod: 2,
  notImplemented: 3,
  invalidParameter: 4,
  featureNotImplemented: 5,
  forbidden: 6,
  exception: 7,
  /** The caller, or all callers together, have more under way than they may; the same request may succeed later. */
  busy: 8,
} as const;

/** Thrown by an agent's handlers to answer a request with an exception; `text` is one readable line. */
export class AgentException extends Error {
  override readonly name = 'AgentException';
  constructor(
    readonly text: string,
    readonly code: number = exceptionCodes.exception,
    options?: ErrorOptions,
  ) {
    super(text, options);
  }
}

/** Enough for a reader; the rest of an error goes to the agent's log. */
const LONGEST_TEXT = 4_000;

export function exceptionToValue(text: string, code: number): ValueMap {
  const values = new Map<string, Value>([
    ['error_text', text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text],
    ['error_code', uint32(code)],
  ]);
  return new Map<string, Value>([['_values', values]]);
}

/** An agent's exception as the error that a console's caller gets. */
export function exceptionToError(agent: string, map: ValueMap): QmfError {
  const values = mapOf(map.get('_values')) ?? map;
  const agentText = textOf(values.get('error_text')) ?? `no text; fields: ${[...values.keys()].join(', ')}`;
  const agentCode = integerOf(values.get('error_code'));
  return new QmfError('agent_exception', `${agent} answered with an exception: ${agentText}`, {
    agentText,
    ...(agentCode === undefined ? {} : { agentCode }),
  });
}
