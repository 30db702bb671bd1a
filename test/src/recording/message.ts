import { isValueMap, type Value, type ValueMap } from '@imagefactory/qmf';
import { type Body, decodeBareMessage } from '@imagefactory/qmf/wire';
import { describedAt, listOf, valueLength, valueOf } from './frames.js';

/** A message with every section that was sent, types kept. */
export interface RecordedMessage {
  /** Fields of the header that are set, by name. */
  readonly header: ValueMap;
  /** Delivery and message annotations. */
  readonly annotations: ValueMap;
  /** Fields of the properties that are set, by name. */
  readonly properties: ValueMap;
  readonly applicationProperties: ValueMap;
  readonly body: Body;
  /** The bare message, which brokers must not change (OASIS AMQP 1.0, part 3 §3.2): the sections from the properties on, as hexadecimal digits. */
  readonly bare: string;
}

const headerNames = ['durable', 'priority', 'ttl', 'first-acquirer', 'delivery-count'];
const propertyNames = [
  ...['message-id', 'user-id', 'to', 'subject', 'reply-to', 'correlation-id', 'content-type'],
  ...['content-encoding', 'absolute-expiry-time', 'creation-time'],
  ...['group-id', 'group-sequence', 'reply-to-group-id'],
];

const code = { header: 0x70, deliveryAnnotations: 0x71, messageAnnotations: 0x72, properties: 0x73 } as const;

/** @throws QmfError `malformed_message`, or Error, for bytes that are no message */
export function readRecorded(bytes: Buffer): RecordedMessage {
  const { applicationProperties, body } = decodeBareMessage(bytes);
  const sections = new Map<number, Value>();
  let bareFrom = 0;
  for (let at = 0; at < bytes.length; ) {
    const section = describedAt(bytes, at);
    if (section.code > code.properties) break;
    const end = section.content + valueLength(bytes, section.content);
    sections.set(section.code, valueOf(bytes.subarray(section.content, end)));
    if (section.code < code.properties) bareFrom = end;
    at = end;
  }
  return {
    header: namedFields(headerNames, sections.get(code.header)),
    annotations: new Map([
      ...entriesOf(sections.get(code.deliveryAnnotations)),
      ...entriesOf(sections.get(code.messageAnnotations)),
    ]),
    properties: namedFields(propertyNames, sections.get(code.properties)),
    applicationProperties: applicationProperties ?? new Map(),
    body,
    bare: bytes.toString('hex', bareFrom),
  };
}

function namedFields(names: readonly string[], fields: Value | undefined): ValueMap {
  const named = new Map<string, Value>();
  for (const [index, value] of listOf(fields).entries())
    if (value !== null) named.set(names[index] ?? `field ${index}`, value);
  return named;
}

function entriesOf(value: Value | undefined): Iterable<readonly [string, Value]> {
  return isValueMap(value) ? value : [];
}
