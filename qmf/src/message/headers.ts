import { QmfError } from '../errors.js';
import { type PlainInput, toValue } from '../value/convert.js';
import { textOf } from '../value/text.js';
import { textLimits } from '../value/text-limits.js';
import type { Value, ValueMap } from '../value/value.js';

/** Header names of QMFv2 messages (wire document §2.1). */
export const header = {
  appId: 'x-amqp-0-10.app-id',
  method: 'method',
  opcode: 'qmf.opcode',
  content: 'qmf.content',
  agent: 'qmf.agent',
  partial: 'partial',
} as const;

export type Opcode =
  | '_agent_locate_request'
  | '_agent_locate_response'
  | '_agent_heartbeat_indication'
  | '_query_request'
  | '_query_response'
  | '_method_request'
  | '_method_response'
  | '_exception'
  | '_data_indication'
  | '_subscribe_request'
  | '_subscribe_response'
  | '_subscribe_refresh_indication'
  | '_subscribe_cancel_indication';

/** What the items of a list message are. */
export type ContentKind = '_data' | '_event' | '_schema_id' | '_schema' | '_object_id';

type MethodWord = 'request' | 'response' | 'indication';

const methodWords: Readonly<Record<Opcode, MethodWord>> = {
  _agent_locate_request: 'request',
  _agent_locate_response: 'indication',
  _agent_heartbeat_indication: 'indication',
  _query_request: 'request',
  _query_response: 'response',
  _method_request: 'request',
  _method_response: 'response',
  _exception: 'response',
  _data_indication: 'indication',
  _subscribe_request: 'request',
  _subscribe_response: 'response',
  _subscribe_refresh_indication: 'request',
  _subscribe_cancel_indication: 'request',
};

interface ExtraHeaders {
  readonly agent?: string;
  readonly content?: ContentKind;
  readonly partial?: boolean;
}

/** Headers made before: a session sends few different ones, each very often. */
const made = new Map<string, ValueMap>();
const MAX_MADE = 1_000;
/** All of them that are still used somewhere. */
const constant = new WeakSet<ValueMap>();

/** The headers of a message: all that any peer looks at, as text. Equal ones are one and the same map. */
export function headersFor(opcode: Opcode, extra: ExtraHeaders = {}): ValueMap {
  const key = `${opcode} ${extra.content ?? ''} ${extra.partial === true ? 'partial' : ''} ${extra.agent ?? ''}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const headers = makeHeaders(opcode, extra);
  if (made.size >= MAX_MADE) made.clear();
  made.set(key, headers);
  constant.add(headers);
  return headers;
}

/**
 * Headers with further application properties.
 *
 * @throws QmfError `invalid_argument` for a property that is among the headers, `not_encodable`
 */
export function withProperties(
  headers: ValueMap,
  properties: Readonly<Record<string, PlainInput>>,
): ValueMap {
  const names = Object.keys(properties);
  if (names.length === 0) return headers;
  const all = new Map(headers);
  for (const name of names) {
    if (headers.has(name))
      throw new QmfError('invalid_argument', `the property ${name} is one of QMF; choose another name`);
    all.set(name, toValue(properties[name], name));
  }
  return all;
}

/** Whether headers are of {@link headersFor}, and so stay as they are; another map's owner may change it after it was sent. */
export function areConstant(headers: ValueMap): boolean {
  return constant.has(headers);
}

function makeHeaders(opcode: Opcode, extra: ExtraHeaders): ValueMap {
  const headers = new Map<string, Value>([
    [header.appId, 'qmf2'],
    [header.method, methodWords[opcode]],
    [header.opcode, opcode],
  ]);
  if (extra.content !== undefined) headers.set(header.content, extra.content);
  if (extra.agent !== undefined) headers.set(header.agent, extra.agent);
  // Only its presence counts; C++ sends null as well (§9.18).
  if (extra.partial === true) headers.set(header.partial, null);
  return headers;
}

/** The text of a header that names something; one that is too long names nothing. */
function headerName(headers: ValueMap, name: string): string | undefined {
  const text = textOf(headers.get(name));
  return text === undefined || text.length > textLimits.name ? undefined : text;
}

/**
 * The opcode of a message, whatever its app id: the broker's and the Python console's messages come without one (§2.2).
 */
export function opcodeOf(headers: ValueMap): string | undefined {
  return headerName(headers, header.opcode);
}

export function agentOf(headers: ValueMap): string | undefined {
  return headerName(headers, header.agent);
}

export function contentKindOf(headers: ValueMap): string | undefined {
  return headerName(headers, header.content);
}

export function isPartial(headers: ValueMap): boolean {
  return headers.has(header.partial);
}
