import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { type BareMessage, decodeBareMessage, encodeBareMessage } from './amqp10-message.js';
import { recordedMessages } from './vectors.fixture.js';

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** Properties with a user id and a subject, as the section's content. */
const properties = (user: string): string => {
  const fields = `40 a0${size(user)} 40 a10178`.replaceAll(' ', '');
  return `c0${byte(fields.length / 2 + 1)}04${fields}`;
};
const byte = (value: number): string => value.toString(16).padStart(2, '0');
const size = (text: string): string => `${byte(text.length)}${Buffer.from(text).toString('hex')}`;

/** Each kind of section, and what it may hold. */
const sections = {
  header: `005370 c0040241 5005`,
  deliveryAnnotations: '005371 c10100',
  messageAnnotations: '005372 c10100',
  properties: `005373 ${properties('mallory')}`,
  applicationProperties: '005374 c10100',
  data: '005375 a000',
  sequence: '005376 45',
  value: '005377 40',
  footer: '005378 c10100',
} as const;
type Name = keyof typeof sections;
const names = Object.keys(sections) as Name[]; // the keys of the object above

/** The standard's order as a pattern over one letter for each section (part 3 §3.2). */
const letters: Readonly<Record<Name, string>> = {
  header: 'h',
  deliveryAnnotations: 'd',
  messageAnnotations: 'm',
  properties: 'p',
  applicationProperties: 'a',
  data: 'D',
  sequence: 'S',
  value: 'V',
  footer: 'f',
};
const standardOrder = /^h?d?m?p?a?(?:D*|S*|V)f?$/;

function reading(bytes: Buffer, extent: 'whole' | 'routing'): BareMessage | undefined {
  try {
    return decodeBareMessage(bytes, { extent });
  } catch (error) {
    if (error instanceof QmfError && error.code === 'malformed_message') return undefined;
    throw error;
  }
}

/** What a broker decides by. */
const judged = ({ userId, subject, to, ttl, replyTo }: BareMessage): unknown => ({
  userId,
  subject,
  to,
  ttl,
  replyTo,
});

/** An agent reads what the broker has judged, or nothing. */
function agree(bytes: Buffer): void {
  const atBroker = reading(bytes, 'routing');
  const atAgent = reading(bytes, 'whole');
  if (atBroker === undefined) expect(atAgent, bytes.toString('hex')).to.equal(undefined);
  else if (atAgent !== undefined)
    expect(judged(atAgent), bytes.toString('hex')).to.deep.equal(judged(atBroker));
}

describe('sections of an AMQP 1.0 message', () => {
  it('are taken in the order and number of the standard, and in no other, by broker and agent alike', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { maxLength: 9 }), fc.boolean(), (drawn, isSorted) => {
        const order = isSorted ? names.filter(name => drawn.includes(name)) : drawn;
        const bytes = bytesOf(order.map(name => sections[name]).join(''));
        const isStandard = standardOrder.test(order.map(name => letters[name]).join(''));
        for (const extent of ['whole', 'routing'] as const)
          expect(reading(bytes, extent) !== undefined, `${order.join(' ')}: ${extent}`).to.equal(isStandard);
      }),
      { numRuns: 3000 },
    );
  });

  it('are taken in no order of all nine but one', () => {
    const order = names.filter(name => name !== 'sequence' && name !== 'value');
    let taken = 0;
    for (const permuted of permutations(order)) {
      const bytes = bytesOf(permuted.map(name => sections[name]).join(''));
      agree(bytes);
      if (reading(bytes, 'routing') !== undefined) taken++;
    }
    expect(taken).to.equal(1);
  });

  const victim = properties('victim');
  const mine = sections.properties;
  const rest = `${sections.applicationProperties} ${sections.data}`;
  const forgeries: readonly (readonly [string, string])[] = [
    [
      'second properties after the application properties',
      `${mine} ${sections.applicationProperties} 005373${victim} ${sections.data}`,
    ],
    ['second properties after the body', `${mine} ${rest} 005373${victim}`],
    ['second properties at once', `${mine} 005373${victim} ${rest}`],
    ['properties after the body alone', `${rest} 005373${victim}`],
    ['properties after the footer', `${mine} ${rest} ${sections.footer} 005373${victim}`],
    ['properties between two data sections', `${mine} 005375a000 005373${victim} 005375a000`],
    ['second properties with a wide descriptor', `${mine} 00800000000000000073${victim} ${rest}`],
    [
      'second properties with a symbolic descriptor',
      `${mine} 00a314${Buffer.from('amqp:properties:list').toString('hex')}${victim} ${rest}`,
    ],
    ['a descriptor that is an int', `00 54 73 ${victim} ${rest}`],
    ['a descriptor that is a ubyte', `00 50 73 ${victim} ${rest}`],
    [
      'a descriptor that is text',
      `00a114${Buffer.from('amqp:properties:list').toString('hex')}${victim} ${rest}`,
    ],
    ['a descriptor that is described', `00 00 53 01 53 73 ${victim} ${rest}`],
    ['a descriptor of another domain', `00 80 0000000100000073 ${victim} ${rest}`],
    ['properties that are described twice', `005373 005373 ${victim} ${rest}`],
    ['properties that are an array', `005373 e0 08 03 a0 ${size('a')}${size('b')}${size('c')} ${rest}`],
    ['properties that are a map', `005373 c1 07 02 a0${size('a')} a0${size('b')} ${rest}`],
    ['properties of 14 fields', `005373 c0 0f 0e ${'40'.repeat(14)} ${rest}`],
    ['properties with bytes left over', `005373 c0 04 01 40 40 40 ${rest}`],
    ['a user id that is text', `005373 c0 0a 02 40 a1 ${size('victim')} ${rest}`],
    ['a user id that is a symbol', `005373 c0 0a 02 40 a3 ${size('victim')} ${rest}`],
    ['a user id that is described', `005373 c0 0d 02 40 005301 a0 ${size('victim')} ${rest}`],
    ['a user id that is a decimal', `005373 c0 07 02 40 74 76696374 ${rest}`],
    ['a user id that is no UTF-8', `005373 c0 05 02 40 a0 01 ff ${rest}`],
    ['a user id of 256 bytes', `005373 d0 0000010a 00000002 40 b0 00000100 ${'61'.repeat(256)} ${rest}`],
    [
      'a message id of a type that some brokers pass over',
      `005373 c0 0c 02 50 01 a0 ${size('victim')} ${rest}`,
    ],
    ['a message id that is a character', `005373 c0 0f 02 73 000000a0 a0 ${size('victim')} ${rest}`],
    [
      'a subject of 256 characters',
      `005373 d0 0000010c 00000004 40 40 40 b1 00000100 ${'61'.repeat(256)} ${rest}`,
    ],
    ['a subject that is binary', `005373 c0 07 04 40 40 40 a0 ${size('x')} ${rest}`],
    ['a ttl that is signed', `005370 c0 05 03 40 40 54 05 ${mine} ${rest}`],
    ['a header of 6 fields', `005370 c0 07 06 ${'40'.repeat(6)} ${mine} ${rest}`],
    ['a second header', `${sections.header} ${sections.header} ${mine} ${rest}`],
    ['a header after the properties', `${mine} ${sections.header} ${rest}`],
    ['annotations that are a list', `005372 c0 01 00 ${mine} ${rest}`],
    ['a footer that is described', `${mine} ${rest} 005378 005378 c10100`],
  ];
  for (const [what, hex] of forgeries) {
    it(`are refused by the broker too: ${what}`, () => {
      expect(reading(bytesOf(hex), 'routing'), 'at the broker').to.equal(undefined);
      expect(reading(bytesOf(hex), 'whole'), 'at the agent').to.equal(undefined);
    });
  }

  it('hold the user id as text for a broker that is known to write it so, and for no other', () => {
    const bytes = bytesOf(`005373 c0 0a 02 40 a1 ${size('victim')} ${rest}`);
    expect(decodeBareMessage(bytes, { textUserId: true }).userId).to.equal('victim');
    expect(reading(bytes, 'whole')).to.equal(undefined);
  });

  it('never mean one thing to the broker and another to the agent, whatever is changed in them', () => {
    const samples = [
      ...recordedMessages.map(({ hex }) => Buffer.from(hex, 'hex')),
      encodeBareMessage({
        ttl: 1000,
        userId: 'anna',
        to: 'qmf.default.topic',
        subject: 'direct-agent.route.1',
        replyTo: 'qmf.default.topic/direct-console.1',
        applicationProperties: new Map([['qmf.opcode', '_method_request']]),
        body: { form: 'data', bytes: Buffer.from('body') },
      }),
    ];
    let taken = 0;
    const pieces = fc.oneof(
      fc.constantFrom(...Object.values(sections).map(bytesOf), bytesOf(`005373${victim}`)),
      fc.uint8Array({ maxLength: 12 }).map(bytes => Buffer.from(bytes)),
    );
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      removed: fc.nat({ max: 12 }),
      added: pieces,
    });
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.array(change, { maxLength: 3 }), (sample, changes) => {
        let bytes = sample;
        for (const { at, removed, added } of changes) {
          const from = Math.floor(at * bytes.length);
          bytes = Buffer.concat([bytes.subarray(0, from), added, bytes.subarray(from + removed)]);
        }
        agree(bytes);
        if (reading(bytes, 'whole') !== undefined) taken++;
      }),
      { numRuns: 5_000 },
    );
    expect(taken, 'messages that were taken').to.be.greaterThan(200);
    for (const sample of samples) {
      for (let at = 0; at < Math.min(sample.length, 200); at++) {
        for (const value of [0x00, 0x40, 0x45, 0x53, 0x73, 0xa0, 0xa1, 0xc0, 0xff, (sample[at] ?? 0) ^ 1]) {
          const bytes = Buffer.from(sample);
          bytes[at] = value;
          agree(bytes);
        }
      }
    }
  });
});

function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [index, item] of items.entries()) {
    const others = items.filter((_, at) => at !== index);
    for (const rest of permutations(others)) yield [item, ...rest];
  }
}
