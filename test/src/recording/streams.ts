import { isValueList, isValueMap, type Value, type ValueMap } from '@imagefactory/qmf';
import type { RecordedMessage } from './message.js';
import { bodyValue } from './notation.js';
import type { Passed } from './tap.js';

/** Subject of the message that marks the end of a recording; consoles hear it, as they listen to all that agents indicate. */
export const END_SUBJECT = 'agent.ind.end-of-recording';

/** Agents that brokers are themselves. What they say is no matter of ours. */
const brokerAgents = ['apache.org:qpidd:', 'imagefactory.org:embedded-broker:'];

/** One message that a party sent, with those who got it. */
export interface SentMessage {
  /** Name of the agent or console, or `broker` for what none of them sent in these bytes. */
  readonly from: string;
  readonly to: string;
  /** Name of the object that an event is about: one build's events are in order, those of several builds mix. */
  readonly object: string | undefined;
  readonly message: RecordedMessage;
  readonly received: Receipt[];
}

export interface Receipt {
  readonly party: string;
  readonly header: ValueMap;
  /** Set if this party got a later message of the stream before. */
  readonly isLate: boolean;
}

/** Finds out who received which message. By the bytes of the bare message, which no broker may change. */
export function matchReceipts(passed: readonly Passed[]): SentMessage[] {
  const ours = passed.filter(one => !isOfBroker(one) && subjectOf(one.message) !== END_SUBJECT);
  const sent: SentMessage[] = [];
  const copies = new Map<string, SentMessage[]>();
  const note = (one: SentMessage): void => {
    sent.push(one);
    copies.set(one.message.bare, [...(copies.get(one.message.bare) ?? []), one]);
  };
  for (const one of ours) if (one.direction === 'toBroker') note(sentMessage(one.party, one));
  const lastOf = new Map<string, number>();
  for (const one of ours) {
    if (one.direction === 'toBroker') continue;
    const { party, message } = one;
    const known = copies.get(message.bare);
    const isNew = ({ received }: SentMessage): boolean => !received.some(receipt => receipt.party === party);
    const original = known === undefined ? sentMessage('broker', one) : known.find(isNew);
    if (original === undefined) continue; // while a link is replaced, it and the new one are given the same
    if (known === undefined) note(original);
    const stream = `${party} ${streamKey(original)}`;
    const position = sent.indexOf(original);
    const isLate = position < (lastOf.get(stream) ?? -1);
    lastOf.set(stream, Math.max(position, lastOf.get(stream) ?? -1));
    original.received.push({ party, header: message.header, isLate });
  }
  return sent;
}

/** Messages of one stream are kept in their order. */
export function streamKey({ from, to, object, message }: SentMessage): string {
  return JSON.stringify([from, to, object ?? '', isPresence(message)]);
}

function sentMessage(from: string, { node, message }: Passed): SentMessage {
  const subject = subjectOf(message);
  return {
    from,
    to: subject === undefined ? node : `${node}/${subject}`,
    object: objectOf(message),
    message,
    received: [],
  };
}

export function textField(map: ValueMap, name: string): string | undefined {
  const value = map.get(name);
  return typeof value === 'string' ? value : undefined;
}

function subjectOf({ properties }: RecordedMessage): string | undefined {
  return textField(properties, 'subject');
}

export function opcodeOf({ applicationProperties }: RecordedMessage): string {
  return textField(applicationProperties, 'qmf.opcode') ?? '';
}

const presenceOpcodes = ['_agent_heartbeat_indication', '_agent_locate_request', '_agent_locate_response'];

/** Whether the message is about who is there. How often that is said depends on time, and on what others do on the bus. */
export function isPresence(message: RecordedMessage): boolean {
  return presenceOpcodes.includes(opcodeOf(message));
}

export function isEvent({ applicationProperties }: RecordedMessage): boolean {
  return textField(applicationProperties, 'qmf.content') === '_event';
}

function isOfBroker({ message }: Passed): boolean {
  const agent = textField(message.applicationProperties, 'qmf.agent') ?? '';
  return brokerAgents.some(name => agent.startsWith(name));
}

function objectOf(message: RecordedMessage): string | undefined {
  if (!isEvent(message)) return undefined;
  const body = valueOfBody(message);
  const [event] = body !== undefined && isValueList(body) ? body : [];
  const address = mapAt(mapAt(event, '_values'), 'addr');
  return address === undefined ? undefined : textField(address, '_object_name');
}

export function valueOfBody({ body, properties }: RecordedMessage): Value | undefined {
  return bodyValue(body, properties.get('content-type'));
}

export function mapAt(value: Value | undefined, key: string): ValueMap | undefined {
  const found = isValueMap(value) ? value.get(key) : undefined;
  return isValueMap(found) ? found : undefined;
}
