import type { ByteReader } from './byte-reader.js';
import { malformed } from './limits.js';

/** Descriptors of the sections of a message (OASIS AMQP 1.0, part 3 §3.2). */
export const section = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const;

export type SectionCode = (typeof section)[keyof typeof section];

const names: Readonly<Record<SectionCode, string>> = {
  [section.header]: 'header',
  [section.deliveryAnnotations]: 'delivery-annotations',
  [section.messageAnnotations]: 'message-annotations',
  [section.properties]: 'properties',
  [section.applicationProperties]: 'application-properties',
  [section.data]: 'data',
  [section.sequence]: 'amqp-sequence',
  [section.value]: 'amqp-value',
  [section.footer]: 'footer',
};

const codes: ReadonlyMap<number | bigint, SectionCode> = new Map<number, SectionCode>(
  Object.values(section).map(code => [code, code]),
);

const symbols: ReadonlyMap<string, SectionCode> = new Map([
  ['amqp:header:list', section.header],
  ['amqp:delivery-annotations:map', section.deliveryAnnotations],
  ['amqp:message-annotations:map', section.messageAnnotations],
  ['amqp:properties:list', section.properties],
  ['amqp:application-properties:map', section.applicationProperties],
  ['amqp:data:binary', section.data],
  ['amqp:amqp-sequence:list', section.sequence],
  ['amqp:amqp-value:*', section.value],
  ['amqp:footer:map', section.footer],
]);

/** The sections that may be repeated; both are bodies in parts. */
const repeatable: ReadonlySet<SectionCode> = new Set([section.data, section.sequence]);

/**
 * Reads the descriptors of the sections of one message and holds them to the order and number that part 3 §3.2 allows: each section at
 * most once, in the order of the descriptors, and one kind of body: one amqp-value, or data or amqp-sequence sections alone.
 *
 * A broker judges a message by its first properties (user id, routing key). A reader that took a later section for the properties would
 * see another message than the one that the broker has judged.
 */
export class SectionOrder {
  #last: SectionCode | undefined;

  /** @throws QmfError `malformed_message` for a section that may not follow those before, or that is none */
  next(reader: ByteReader): SectionCode {
    const at = reader.position;
    const code = readSectionCode(reader);
    const last = this.#last;
    this.#last = code;
    if (last === undefined || code > last) {
      if (last === undefined || !isBody(last) || !isBody(code)) return code;
      throw malformed(`a body of ${names[code]} after one of ${names[last]}`, at);
    }
    if (code === last && repeatable.has(code)) return code;
    const problem =
      code === last ? `a second section ${names[code]}` : `a section ${names[code]} after ${names[last]}`;
    throw malformed(problem, at);
  }
}

function isBody(code: SectionCode): boolean {
  return code >= section.data && code <= section.value;
}

/**
 * A descriptor is a ulong in any of its widths, or a symbol. Other types, and descriptors that are described themselves, are refused: a
 * reader that skips what it does not know would see other sections than one that takes the value for the descriptor.
 */
function readSectionCode(reader: ByteReader): SectionCode {
  const at = reader.position;
  if (reader.u8() !== 0x00) throw malformed('a section without descriptor', at);
  const type = reader.u8();
  switch (type) {
    case 0x53:
      return knownSection(reader.u8(), at);
    case 0x80:
      return knownSection(reader.u64(), at);
    case 0xa3:
      return sectionOfSymbol(reader.ascii(reader.u8()), at);
    case 0xb3:
      return sectionOfSymbol(reader.ascii(reader.u32()), at);
    default:
      throw malformed('the descriptor of a section is neither a ulong nor a symbol', at);
  }
}

function knownSection(descriptor: number | bigint, at: number): SectionCode {
  const code = codes.get(descriptor);
  if (code !== undefined) return code;
  throw malformed(`an unknown section 0x${descriptor.toString(16)}`, at);
}

function sectionOfSymbol(symbol: string, at: number): SectionCode {
  const code = symbols.get(symbol);
  if (code === undefined) throw malformed('an unknown symbolic section', at);
  return code;
}
