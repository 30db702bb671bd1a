import { Int, isValueList, isValueMap, type Value, type ValueMap } from '@imagefactory/qmf';
import { SEQUENCE_PROPERTY } from '@imagefactory/schema';
import type { RecordedMessage } from './message.js';
import { likened } from './likeness.js';
import { Names } from './names.js';
import { entry, isJsonMap, type Json, type JsonMap, mapJson, print, valueJson } from './notation.js';
import {
  addressOf,
  isEvent,
  isPresence,
  matchReceipts,
  opcodeOf,
  type Receipt,
  type SentMessage,
  streamKey,
  textField,
  valueOfBody,
} from './streams.js';
import type { Passed } from './tap.js';

export interface RecordingInput {
  readonly scenario: string;
  readonly about: string;
  /** Names of agents and consoles in the order of the file. */
  readonly parties: readonly string[];
  readonly passed: readonly Passed[];
  /** Texts that differ from run to run, such as paths, with their names. */
  readonly literals: Readonly<Record<string, string>>;
}

const byNumbers = new Intl.Collator('en', { numeric: true });

/**
 * The text of a recording: the same for the same conversation, whenever and wherever it was held. Messages are in streams by sender and
 * address, events by sender, exchange and object; within a stream they are in the order of sending. Messages of presence are recorded once per
 * content, in streams of their own.
 */
export function recordingText({ scenario, about, parties, passed, literals }: RecordingInput): string {
  const sent = matchReceipts(passed);
  const names = new Names(literals);
  for (const one of sent) learn(one, names);
  nameConversation(sent, names);
  const streams = new Map<string, { readonly first: SentMessage; readonly messages: SentMessage[] }>();
  for (const one of sent) {
    const key = streamKey(one);
    const stream = streams.get(key) ?? { first: one, messages: [] };
    stream.messages.push(one);
    streams.set(key, stream);
  }
  const rank = (party: string): number => [...parties, 'broker'].indexOf(party);
  const sorted = [...streams.values()]
    .map(stream => ({ ...stream, title: titleOf(stream.first, names) }))
    .sort(
      (one, other) =>
        rank(one.first.from) - rank(other.first.from) ||
        byNumbers.compare(one.title.join(' '), other.title.join(' ')) ||
        Number(isPresence(other.first.message)) - Number(isPresence(one.first.message)),
    );
  const repeated = repeatedIds(sent);
  const json = new Map<string, Json>([
    ['scenario', scenario],
    ['about', about],
    [
      'streams',
      sorted.map(({ first, messages, title: [to, object] }) => {
        const order = new Sequences();
        const printed = messages.map(one => messageJson(one, names, repeated, order));
        const stream = new Map<string, Json>([
          ['from', first.from],
          ['to', to],
        ]);
        if (object !== '') stream.set('object', object);
        if (isPresence(first.message)) stream.set('presence', true);
        return stream.set('messages', likened(isPresence(first.message) ? distinct(printed) : printed));
      }),
    ],
  ]);
  return `${print(json)}\n`;
}

function titleOf(sent: SentMessage, names: Names): readonly [string, string] {
  return [names.text(addressOf(sent)), names.text(sent.object ?? '')];
}

function learn({ subject, message }: SentMessage, names: Names): void {
  const visit = (value: Value | undefined, key?: string): void => {
    if (typeof value === 'string') names.learn(value, key);
    else if (isValueMap(value)) for (const [name, item] of value) visit(item, name);
    else if (value !== undefined && isValueList(value)) for (const item of value) visit(item, key);
  };
  names.learn(subject ?? '');
  visit(valueOfBody(message));
  if (isPresence(message)) visit(message.properties.get('correlation-id'), 'locate');
}

/**
 * Numbers the ids in requests and answers, in the order of sending: each request is sent after the one before was answered, so this order is
 * the same in every run. Events come at any time.
 */
function nameConversation(sent: readonly SentMessage[], names: Names): void {
  for (const { message } of sent) {
    if (isEvent(message) || isPresence(message)) continue;
    const { properties } = message;
    const id = properties.get('correlation-id');
    if (properties.has('reply-to') && typeof id === 'string' && id !== ALL_AGENTS)
      names.nameRequest(id, requestWord(message));
    const body = valueOfBody(message);
    if (body !== undefined) valueJson(body, names);
  }
}

/** The correlation id that every console has used for this question since 2011; no id of one request. */
const ALL_AGENTS = 'agent-locate';

function requestWord(message: RecordedMessage): string {
  const body = valueOfBody(message);
  const method = isValueMap(body) ? textField(body, '_method_name') : undefined;
  return method === undefined ? opcodeOf(message).replace(/^_|_request$/g, '') : `${method}-call`;
}

/** Ids of messages that were sent more than once; the others need no name of their own. */
function repeatedIds(sent: readonly SentMessage[]): ReadonlySet<Value> {
  const seen = new Set<Value>();
  const repeated = new Set<Value>();
  for (const { message } of sent) {
    const id = message.properties.get('message-id');
    if (id !== undefined) (seen.has(id) ? repeated : seen).add(id);
  }
  return repeated;
}

function messageJson(
  { message, received, subject, object }: SentMessage,
  names: Names,
  repeated: ReadonlySet<Value>,
  order: Sequences,
): JsonMap {
  const json = new Map<string, Json>();
  const { header, annotations, applicationProperties, body } = message;
  if (object !== undefined) json.set('to', names.text(subject ?? ''));
  if (header.size > 0) json.set('header', mapJson(header, names));
  if (annotations.size > 0) json.set('annotations', mapJson(annotations, names));
  json.set('properties', propertiesJson(message, names, repeated));
  if (applicationProperties.size > 0)
    json.set('headers', order.hidden(mapJson(applicationProperties, names)));
  const value = valueOfBody(message);
  if (value !== undefined) json.set(body.form, valueJson(value, names));
  // The receivers of a heartbeat depend on time.
  if (!isPresence(message)) json.set('received', receiptsJson(received, header, names));
  return json;
}

/** The sequences of the events in one stream. Their numbers depend on all that the agent does; their order does not. */
class Sequences {
  #last = 0;

  /** Headers with `<sequence>` in the place of a number that is not below that of the message before. */
  hidden(headers: JsonMap): JsonMap {
    const value = headers.get(SEQUENCE_PROPERTY);
    const number = value !== undefined && isJsonMap(value) ? value.get('$int64') : undefined;
    if (typeof number !== 'number' || number < this.#last) return headers;
    this.#last = number;
    return new Map([...headers, [SEQUENCE_PROPERTY, entry('$int64', '<sequence>')]]);
  }
}

/** The subject is left out: it is the second half of the stream's address, or `to` of the message. */
function propertiesJson({ properties }: RecordedMessage, names: Names, repeated: ReadonlySet<Value>): Json {
  const json = new Map<string, Json>();
  for (const [name, value] of properties) {
    if (name === 'subject') continue;
    if (name === 'message-id' && !repeated.has(value)) json.set(name, '<unique>');
    else if (name === 'correlation-id' && typeof value === 'string') json.set(name, names.request(value));
    else json.set(name, valueJson(value, names));
  }
  return json;
}

function receiptsJson(receipts: readonly Receipt[], sent: ValueMap, names: Names): Json {
  const before = print(mapJson(withoutDefaults(sent), names));
  return [...receipts]
    .sort((one, other) => byNumbers.compare(one.party, other.party))
    .map(({ party, header, isLate }) => {
      const name = isLate ? `${party}, after a later one` : party;
      const changed = mapJson(withoutDefaults(header), names);
      return print(changed) === before ? name : entry(name, entry('header', changed));
    });
}

/** Values of header fields that mean the same as their absence (OASIS AMQP 1.0, part 3 §3.2.1), and one that is about the delivery alone. */
const defaults: Readonly<Record<string, string>> = {
  durable: 'false',
  priority: '4',
  'first-acquirer': 'true',
  'delivery-count': '0',
};

/** Some brokers write these out, others leave them out. */
function withoutDefaults(header: ValueMap): ValueMap {
  return new Map([...header].filter(([name, value]) => textOfScalar(value) !== defaults[name]));
}

function textOfScalar(value: Value): string | undefined {
  return typeof value === 'boolean' || value instanceof Int ? value.toString() : undefined;
}

function distinct(messages: readonly JsonMap[]): readonly JsonMap[] {
  return [...new Map(messages.map(one => [print(one), one])).values()];
}
