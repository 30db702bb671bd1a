import type { ValueMap } from '@imagefactory/qmf';
import { type BareMessage, encodeBareMessage } from '@imagefactory/qmf/wire';
import type { Options } from 'amqplib';

/** A message by which its sender wants to pass for somebody else. */
export interface Forgery<Message> {
  readonly what: string;
  readonly message: Message;
}

/** What a 0-9-1 client publishes. */
export interface Publication {
  readonly properties: Omit<Options.Publish, 'headers'> & {
    readonly headers?: Readonly<Record<string, unknown>>;
  };
  readonly content: Buffer;
}

/** amqp-value of null, which the encoder writes for a message without body. */
const noBody = Buffer.from([0, 0x53, 0x77, 0x40]);
/** Properties without any field, and no body. */
const empty = encodeBareMessage({ body: { form: 'none' } });
const emptyProperties = empty.subarray(0, empty.length - noBody.length);

interface Sections {
  readonly properties: Buffer;
  readonly application: Buffer;
  readonly body: Buffer;
}

function sectionsOf({ body, applicationProperties, ...properties }: BareMessage): Sections {
  const application = encodeBareMessage({
    body: { form: 'none' },
    ...(applicationProperties === undefined ? {} : { applicationProperties }),
  });
  return {
    properties: encodeBareMessage({ ...properties, body: { form: 'none' } }).subarray(0, -noBody.length),
    application: application.subarray(emptyProperties.length, -noBody.length),
    body: encodeBareMessage({ body }).subarray(emptyProperties.length),
  };
}

/** The section of application properties. */
export function applicationSection(applicationProperties: ValueMap): Buffer {
  return sectionsOf({ applicationProperties, body: { form: 'none' } }).application;
}

/** Sections of one message under three names. */
interface Parts {
  readonly mine: Buffer;
  readonly unnamed: Buffer;
  readonly forged: Buffer;
  readonly application: Buffer;
  readonly body: Buffer;
  readonly victim: string;
}

const under = (descriptor: readonly number[], { forged }: Parts): Buffer =>
  Buffer.concat([Buffer.from(descriptor), forged.subarray(3)]);
const symbol = Buffer.from('amqp:properties:list');
const wide = (parts: Parts): Buffer => under([0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x73], parts);
const symbolic = (parts: Parts): Buffer => under([0, 0xa3, symbol.length, ...symbol], parts);

/** The victim's name under another constructor than binary. */
function named(constructor: number, { forged, victim }: Parts): Buffer {
  const name = Buffer.from(victim);
  const bytes = Buffer.from(forged);
  bytes[bytes.indexOf(Buffer.concat([Buffer.from([0xa0, name.length]), name]))] = constructor;
  return bytes;
}

const forms: readonly (readonly [string, (parts: Parts) => readonly Buffer[]])[] = [
  ['the name alone', ({ forged, application, body }) => [forged, application, body]],
  [
    'a second section behind the application properties',
    ({ mine, application, forged, body }) => [mine, application, forged, body],
  ],
  [
    'a second section behind the body',
    ({ mine, application, forged, body }) => [mine, application, body, forged],
  ],
  ['a second section at once', ({ mine, application, forged, body }) => [mine, forged, application, body]],
  [
    'a second section behind one without a name',
    ({ unnamed, application, forged, body }) => [unnamed, forged, application, body],
  ],
  ['the first section last', ({ application, forged, body }) => [application, body, forged]],
  [
    'two messages in one',
    ({ mine, application, forged, body }) => [mine, application, body, forged, application, body],
  ],
  [
    'a second section, its descriptor wide',
    parts => [parts.mine, parts.application, wide(parts), parts.body],
  ],
  [
    'a second section, its descriptor a symbol',
    parts => [parts.mine, parts.application, symbolic(parts), parts.body],
  ],
  ['one section, its descriptor wide', parts => [wide(parts), parts.application, parts.body]],
  ['one section, its descriptor a symbol', parts => [symbolic(parts), parts.application, parts.body]],
  [
    'a section described twice',
    ({ application, forged, body }) => [Buffer.from([0, 0x53, 0x73]), forged, application, body],
  ],
  ['the name as text', parts => [named(0xa1, parts), parts.application, parts.body]],
  ['the name as a symbol', parts => [named(0xa3, parts), parts.application, parts.body]],
];

/** Forms of a message of AMQP 1.0 in which the user id is not the sender's; `make` gets the name of the form. */
export function forgedMessages(
  make: (what: string) => BareMessage,
  own: string,
  victim: string,
): readonly Forgery<Buffer>[] {
  return forms.map(([what, partsOf]) => {
    const message = make(what);
    const { application, body, properties: unnamed } = sectionsOf(message);
    const mine = sectionsOf({ ...message, userId: own }).properties;
    const forged = sectionsOf({ ...message, userId: victim }).properties;
    return { what, message: Buffer.concat(partsOf({ mine, unnamed, forged, application, body, victim })) };
  });
}

const annotations = Buffer.from([0, 0x53, 0x72, 0xc1, 1, 0]);
const footer = Buffer.from([0, 0x53, 0x78, 0xc1, 1, 0]);
const appHeader = 'x-amqp-1.0-app-properties';

type Translated = Pick<Parts, 'application' | 'body' | 'forged'>;

/** Headers of RabbitMQ's translation with sections in them, or the sections that are the content. */
const translations: readonly (readonly [
  string,
  (
    parts: Translated,
  ) =>
    | { readonly header: string; readonly sections: readonly Buffer[] }
    | { readonly content: readonly Buffer[] },
])[] = [
  [
    'a section in x-amqp-1.0-properties',
    ({ forged }) => ({ header: 'x-amqp-1.0-properties', sections: [forged] }),
  ],
  [
    'two sections in x-amqp-1.0-properties',
    ({ forged }) => ({ header: 'x-amqp-1.0-properties', sections: [forged, forged] }),
  ],
  [
    'in x-amqp-1.0-app-properties, behind',
    ({ forged, application }) => ({ header: appHeader, sections: [application, forged] }),
  ],
  [
    'in x-amqp-1.0-app-properties, before',
    ({ forged, application }) => ({ header: appHeader, sections: [forged, application] }),
  ],
  [
    'in x-amqp-1.0-message-annotations',
    ({ forged }) => ({ header: 'x-amqp-1.0-message-annotations', sections: [annotations, forged] }),
  ],
  [
    'alone in x-amqp-1.0-message-annotations',
    ({ forged }) => ({ header: 'x-amqp-1.0-message-annotations', sections: [forged] }),
  ],
  ['in x-amqp-1.0-footer', ({ forged }) => ({ header: 'x-amqp-1.0-footer', sections: [footer, forged] })],
  ['alone in x-amqp-1.0-footer', ({ forged }) => ({ header: 'x-amqp-1.0-footer', sections: [forged] })],
  ['as content of type amqp-1.0, before the body', ({ forged, body }) => ({ content: [forged, body] })],
  ['as content of type amqp-1.0, behind the body', ({ forged, body }) => ({ content: [body, forged] })],
  [
    'a whole message of type amqp-1.0',
    ({ forged, application, body }) => ({ content: [forged, application, body] }),
  ],
];

/**
 * Forms of a message of AMQP 0-9-1 that a broker may turn into one of 1.0 with a user id that is not the sender's; `make` and `plain` get
 * the name of the form.
 */
export function forgedPublications(
  make: (what: string) => BareMessage,
  plain: (what: string) => Publication,
  victim: string,
): readonly Forgery<Publication>[] {
  const alone = 'the name alone';
  const { properties, content } = plain(alone);
  return [
    { what: alone, message: { properties: { ...properties, userId: victim }, content } },
    ...translations.map(([what, partsOf]) => {
      const { application, body } = sectionsOf(make(what));
      const forged = sectionsOf({ ...make(what), userId: victim }).properties;
      const form = partsOf({ application, body, forged });
      const { properties: common, content: plainContent } = plain(what);
      const headers = { ...common.headers, [appHeader]: application };
      const message =
        'header' in form
          ? {
              properties: { ...common, headers: { ...headers, [form.header]: Buffer.concat(form.sections) } },
              content: plainContent,
            }
          : { properties: { ...common, type: 'amqp-1.0', headers }, content: Buffer.concat(form.content) };
      return { what, message };
    }),
  ];
}
