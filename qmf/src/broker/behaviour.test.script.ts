/**
 * What a broker does with links and messages, as a script of operations and the answers that a real qpidd 1.40 gives. The test
 * beside this file runs it against the embedded broker, and against a qpidd where there is one. Where the embedded broker does
 * something else on purpose, the step says so in `embedded`, with the reason.
 *
 * In expectations `$c` stands for the container id of the connection.
 */
export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

export type Step =
  | AttachStep
  | SendStep
  | ReceiveStep
  /** No delivery comes by this link (looked at for a moment). */
  | { readonly do: 'nothing'; readonly link: string }
  | { readonly do: 'close'; readonly link: string }
  | { readonly do: 'credit'; readonly link: string; readonly credit: number }
  /** Asks for the remaining credit to be used up, and waits for the answer. */
  | { readonly do: 'drain'; readonly link: string }
  | { readonly do: 'wait'; readonly milliseconds: number };

export interface AttachStep {
  readonly do: 'receive-from' | 'send-to';
  /** Name of the link in this script; also on the wire, unless `linkName` says otherwise. */
  readonly link: string;
  readonly linkName?: string;
  /** `a` or `b`; `a2` is a second connection with the container id of `a`. */
  readonly on?: 'a' | 'b' | 'a2';
  /** null for a source or target that is missing altogether; undefined for one without address. */
  readonly address?: string | null;
  readonly filter?: FilterTable;
  readonly dynamic?: boolean;
  readonly capabilities?: string | string[];
  readonly properties?: Readonly<Record<string, string | boolean | number>>;
  readonly settleMode?: 0 | 1 | 2;
  /** Credit given at once; default 100, 0 for none. */
  readonly credit?: number;
  readonly expect: AttachExpectation;
  readonly embedded?: { readonly expect: AttachExpectation; readonly reason: string };
}

export type FilterTable = Readonly<
  Record<string, readonly [descriptor: number | string | null, key: string]>
>;

export type AttachExpectation =
  | {
      readonly address?: string | null;
      readonly filter?: FilterTable | null;
      readonly capabilities?: string | readonly string[] | null;
      readonly properties?: Readonly<Record<string, unknown>> | null;
    }
  | { readonly refused: string };

export interface SendStep {
  readonly do: 'send';
  readonly link: string;
  readonly subject?: string;
  readonly to?: string;
  readonly ttl?: number;
  readonly body: string;
  /** The body is repeated up to this many bytes. */
  readonly size?: number;
  readonly expect: 'accepted' | 'released' | 'rejected' | 'modified';
}

export interface ReceiveStep {
  readonly do: 'receive';
  readonly link: string;
  readonly body: string;
  readonly size?: number;
  readonly settled?: boolean;
  /** What the receiver says to it; default accepted. */
  readonly answer?: 'accept' | 'release' | 'reject' | 'modify' | 'hold';
}

const topicCode = 0x468c_0000_0001;
const directCode = 0x468c_0000_0000;
const topicSymbol = 'apache.org:legacy-amqp-topic-binding:string';
const directSymbol = 'apache.org:legacy-amqp-direct-binding:string';

/** A subscription with a filter, one message that it must get and one that it must not. */
function subscription(
  name: string,
  address: string,
  filter: FilterTable,
  keys: { readonly hit: string; readonly miss: string },
  expect: AttachExpectation,
): Scenario {
  return {
    name,
    steps: [
      { do: 'receive-from', link: 'r', address, filter, expect },
      { do: 'send-to', link: 's', on: 'b', address, expect: { address } },
      { do: 'send', link: 's', subject: keys.miss, body: 'miss', expect: 'accepted' },
      { do: 'send', link: 's', subject: keys.hit, body: 'hit', expect: 'accepted' },
      { do: 'receive', link: 'r', body: 'hit', settled: true },
    ],
  };
}

const qmfTopic = 'qmf.default.topic';
const qmfDirect = 'qmf.default.direct';
const agentKeys = { hit: 'script.event.x', miss: 'other.script.x' };

const subscriptions: readonly Scenario[] = [
  subscription(
    'qmf.default.topic binds with a numeric topic filter and does not echo it',
    qmfTopic,
    { f: [topicCode, 'script.#'] },
    agentKeys,
    { address: qmfTopic, filter: null },
  ),
  subscription(
    'qmf.default.topic binds with a symbolic topic filter',
    qmfTopic,
    { f: [topicSymbol, 'script.#'] },
    agentKeys,
    { filter: null },
  ),
  subscription(
    'qmf.default.topic binds with a plain string',
    qmfTopic,
    { f: [null, 'script.#'] },
    agentKeys,
    {
      filter: null,
    },
  ),
  subscription(
    'qmf.default.topic takes a direct filter as a pattern',
    qmfTopic,
    { f: [directCode, 'script.#'] },
    agentKeys,
    { filter: null },
  ),
  subscription(
    'qmf.default.direct binds with the exact key',
    qmfDirect,
    { f: [directSymbol, 'vendor:product:one'] },
    { hit: 'vendor:product:one', miss: 'vendor:product:*' },
    { filter: null },
  ),
  subscription(
    'amq.topic echoes the filter',
    'amq.topic',
    { mine: [topicCode, 'a.*.c'] },
    { hit: 'a.b.c', miss: 'a.b.b.c' },
    { filter: { mine: [topicCode, 'a.*.c'] } },
  ),
  subscription(
    'amq.topic echoes a plain string as a plain string',
    'amq.topic',
    { mine: [null, 'plain.*'] },
    { hit: 'plain.x', miss: 'plain' },
    { filter: { mine: [null, 'plain.*'] } },
  ),
  subscription(
    'amq.direct turns a topic filter into a direct one and echoes that',
    'amq.direct',
    { mine: [topicCode, 'exact.*'] },
    { hit: 'exact.*', miss: 'exact.x' },
    { filter: { mine: [directCode, 'exact.*'] } },
  ),
  {
    name: 'only the first subject filter counts',
    steps: [
      {
        do: 'receive-from',
        link: 'r',
        address: 'amq.topic',
        filter: { one: [topicCode, 'first.x'], two: [topicCode, 'second.x'] },
        expect: { filter: { one: [topicCode, 'first.x'] } },
      },
      { do: 'send-to', link: 's', address: 'amq.topic', expect: {} },
      { do: 'send', link: 's', subject: 'second.x', body: '2', expect: 'accepted' },
      { do: 'send', link: 's', subject: 'first.x', body: '1', expect: 'accepted' },
      { do: 'receive', link: 'r', body: '1' },
    ],
  },
  {
    name: 'qmf.default.topic without a filter gets nothing, amq.topic everything',
    steps: [
      { do: 'receive-from', link: 'none', address: qmfTopic, expect: { address: qmfTopic, filter: null } },
      {
        do: 'receive-from',
        link: 'all',
        address: 'amq.topic',
        expect: { filter: { 'default-subject-filter': [topicCode, '#'] } },
      },
      { do: 'send-to', link: 's', address: qmfTopic, expect: {} },
      { do: 'send-to', link: 't', address: 'amq.topic', expect: {} },
      { do: 'send', link: 's', subject: 'agent.x', body: 'unheard', expect: 'accepted' },
      { do: 'send', link: 't', subject: 'any.thing', body: 'heard', expect: 'accepted' },
      { do: 'send', link: 't', body: 'no subject', expect: 'accepted' },
      { do: 'receive', link: 'all', body: 'heard' },
      { do: 'receive', link: 'all', body: 'no subject' },
      { do: 'nothing', link: 'none' },
    ],
  },
  {
    name: 'amq.direct without a filter binds the empty key',
    steps: [
      {
        do: 'receive-from',
        link: 'r',
        address: 'amq.direct',
        expect: { filter: { 'default-subject-filter': [directCode, ''] } },
      },
      { do: 'send-to', link: 's', address: 'amq.direct', expect: {} },
      { do: 'send', link: 's', subject: 'key', body: 'with key', expect: 'accepted' },
      { do: 'send', link: 's', body: 'without', expect: 'accepted' },
      { do: 'receive', link: 'r', body: 'without' },
    ],
  },
  {
    name: 'deliveries of a subscription are settled unless the receiver asks for unsettled',
    steps: [
      {
        do: 'receive-from',
        link: 'mixed',
        address: 'amq.topic',
        filter: { f: [topicCode, 'k'] },
        expect: {},
      },
      {
        do: 'receive-from',
        link: 'unsettled',
        address: 'amq.topic',
        filter: { f: [topicCode, 'k'] },
        settleMode: 0,
        expect: {},
      },
      { do: 'send-to', link: 's', address: 'amq.topic', expect: {} },
      { do: 'send', link: 's', subject: 'k', body: 'x', expect: 'accepted' },
      { do: 'receive', link: 'mixed', body: 'x', settled: true },
      { do: 'receive', link: 'unsettled', body: 'x', settled: false, answer: 'release' },
      { do: 'receive', link: 'unsettled', body: 'x', settled: false, answer: 'reject' },
      { do: 'nothing', link: 'unsettled' },
    ],
  },
];

const capabilities: readonly Scenario[] = [
  {
    name: 'capabilities granted by qmf.default.topic',
    steps: [
      {
        do: 'receive-from',
        link: 'several',
        address: qmfTopic,
        capabilities: ['topic', 'legacy-amqp-topic-binding', 'create-on-demand'],
        expect: { capabilities: ['topic', 'create-on-demand'] },
      },
      {
        do: 'send-to',
        link: 'one',
        address: qmfTopic,
        capabilities: ['topic', 'legacy-amqp-direct-binding'],
        expect: { capabilities: 'topic' },
      },
      {
        do: 'send-to',
        link: 'none',
        address: qmfTopic,
        capabilities: 'legacy-amqp-topic-binding',
        expect: { capabilities: null },
      },
      {
        do: 'receive-from',
        link: 'plain',
        address: 'amq.topic',
        capabilities: ['topic', 'legacy-amqp-topic-binding'],
        expect: { capabilities: ['topic', 'legacy-amqp-topic-binding'] },
      },
    ],
  },
];

const refusals: readonly Scenario[] = [
  {
    name: 'addresses that are no node',
    steps: [
      {
        do: 'receive-from',
        link: 'r1',
        address: 'qmf.default.topic/agent.#',
        expect: { refused: 'amqp:not-found' },
      },
      { do: 'send-to', link: 's1', address: 'qmf.default.topic/key', expect: { refused: 'amqp:not-found' } },
      { do: 'receive-from', link: 'r2', address: 'no.such.node', expect: { refused: 'amqp:not-found' } },
      { do: 'send-to', link: 's2', address: 'no.such.node', expect: { refused: 'amqp:not-found' } },
      {
        do: 'receive-from',
        link: 'r3',
        address: 'amq.topic',
        capabilities: 'queue',
        expect: { refused: 'amqp:not-found' },
      },
      { do: 'receive-from', link: 'r4', address: null, expect: { refused: 'amqp:precondition-failed' } },
      // The connection is none the worse for it.
      { do: 'receive-from', link: 'r5', address: 'amq.topic', expect: { address: 'amq.topic' } },
    ],
  },
  {
    name: 'a subscription queue has one consumer: a second link of the same container and link name is refused',
    steps: [
      { do: 'receive-from', link: 'r', address: 'amq.topic', expect: {} },
      {
        do: 'receive-from',
        link: 'again',
        linkName: 'r',
        on: 'a2',
        address: 'amq.topic',
        expect: { refused: 'amqp:internal-error' },
      },
    ],
  },
];

const creation: readonly Scenario[] = [
  {
    name: 'exchanges made on demand',
    steps: [
      {
        do: 'send-to',
        link: 's',
        address: 'qmf.script.topic',
        capabilities: ['create-on-demand', 'topic'],
        properties: { 'exchange-type': 'topic' },
        expect: {
          address: 'qmf.script.topic',
          capabilities: ['create-on-demand', 'topic'],
          properties: { 'supported-dist-modes': 'copy', 'exchange-type': 'topic' },
        },
      },
      {
        do: 'receive-from',
        link: 'r',
        address: 'qmf.script.topic',
        filter: { f: [topicCode, 'a.#'] },
        expect: { address: 'qmf.script.topic', filter: { f: [topicCode, 'a.#'] } },
      },
      { do: 'send', link: 's', subject: 'a.b', body: 'x', expect: 'accepted' },
      { do: 'receive', link: 'r', body: 'x' },
      {
        do: 'receive-from',
        link: 'wrong',
        address: 'qmf.script.topic',
        capabilities: ['create-on-demand', 'topic'],
        properties: { 'exchange-type': 'direct' },
        expect: { refused: 'amqp:precondition-failed' },
      },
    ],
  },
  {
    name: 'asking for qmf.default.topic as a topic exchange fails, because it is a management-topic one',
    steps: [
      {
        do: 'send-to',
        link: 's',
        address: qmfTopic,
        capabilities: ['create-on-demand', 'topic'],
        properties: { 'exchange-type': 'topic' },
        expect: { refused: 'amqp:precondition-failed' },
      },
      {
        do: 'send-to',
        link: 't',
        address: qmfTopic,
        capabilities: ['create-on-demand', 'topic'],
        expect: { address: qmfTopic },
      },
    ],
  },
  {
    name: 'queues made on demand take turns among consumers and get back what is released',
    steps: [
      {
        do: 'send-to',
        link: 's',
        address: 'script.queue',
        capabilities: ['create-on-demand', 'queue'],
        properties: { 'auto-delete': true },
        expect: { address: 'script.queue', capabilities: ['create-on-demand', 'queue'] },
      },
      { do: 'send', link: 's', body: '1', expect: 'accepted' },
      { do: 'send', link: 's', body: '2', expect: 'accepted' },
      {
        do: 'receive-from',
        link: 'r',
        address: 'script.queue',
        credit: 1,
        expect: { address: 'script.queue' },
      },
      { do: 'receive', link: 'r', body: '1', settled: false, answer: 'release' },
      { do: 'credit', link: 'r', credit: 1 },
      { do: 'receive', link: 'r', body: '1', settled: false, answer: 'modify' },
      { do: 'credit', link: 'r', credit: 2 },
      { do: 'receive', link: 'r', body: '1', answer: 'accept' },
      { do: 'receive', link: 'r', body: '2', answer: 'reject' },
      { do: 'close', link: 's' },
      { do: 'close', link: 'r' },
      { do: 'receive-from', link: 'later', address: 'script.queue', expect: { refused: 'amqp:not-found' } },
    ],
  },
  {
    name: 'a full queue releases to the publisher, and what a consumer has not settled counts',
    steps: [
      {
        do: 'send-to',
        link: 's',
        address: 'script.full',
        capabilities: ['create-on-demand', 'queue'],
        properties: { 'qpid.max_count': 2, 'qpid.policy_type': 'reject', 'auto-delete': true },
        expect: {},
      },
      { do: 'send', link: 's', body: '1', expect: 'accepted' },
      { do: 'send', link: 's', body: '2', expect: 'accepted' },
      { do: 'send', link: 's', body: '3', expect: 'released' },
      { do: 'receive-from', link: 'r', address: 'script.full', expect: {} },
      { do: 'receive', link: 'r', body: '1', answer: 'hold' },
      { do: 'receive', link: 'r', body: '2' },
      { do: 'wait', milliseconds: 100 },
      { do: 'send', link: 's', body: '4', expect: 'accepted' },
      { do: 'receive', link: 'r', body: '4', answer: 'hold' },
      { do: 'send', link: 's', body: '5', expect: 'released' },
    ],
  },
  {
    name: 'a full ring queue drops its oldest message',
    steps: [
      {
        do: 'send-to',
        link: 's',
        address: 'script.ring',
        capabilities: ['create-on-demand', 'queue'],
        properties: { 'qpid.max_count': 2, 'qpid.policy_type': 'ring', 'auto-delete': true },
        expect: {},
      },
      { do: 'send', link: 's', body: '1', expect: 'accepted' },
      { do: 'send', link: 's', body: '2', expect: 'accepted' },
      { do: 'send', link: 's', body: '3', expect: 'accepted' },
      { do: 'receive-from', link: 'r', address: 'script.ring', expect: {} },
      { do: 'receive', link: 'r', body: '2' },
      { do: 'receive', link: 'r', body: '3' },
    ],
  },
  {
    name: 'a full subscription does not keep a message from other subscribers',
    steps: [
      {
        do: 'receive-from',
        link: 'r',
        address: 'amq.topic',
        filter: { f: [topicCode, 'wide.#'] },
        expect: {},
      },
      { do: 'send-to', link: 's', address: 'amq.topic', expect: {} },
      { do: 'send', link: 's', subject: 'wide.a', body: 'big', size: 200_000, expect: 'accepted' },
      { do: 'receive', link: 'r', body: 'big', size: 200_000 },
    ],
  },
];

const dynamicNodes: readonly Scenario[] = [
  {
    name: 'a dynamic source is a queue named after container and link',
    steps: [
      { do: 'receive-from', link: 'reply', dynamic: true, expect: { address: '$c_reply' } },
      { do: 'send-to', link: 's', on: 'b', address: '$c_reply', expect: {} },
      { do: 'send-to', link: 'relay', on: 'b', expect: {} },
      { do: 'send', link: 's', subject: 'whatever', body: 'by link', expect: 'accepted' },
      { do: 'send', link: 'relay', to: '$c_reply', body: 'by relay', expect: 'accepted' },
      { do: 'receive', link: 'reply', body: 'by link', settled: false },
      { do: 'receive', link: 'reply', body: 'by relay', settled: false },
      { do: 'close', link: 'reply' },
      // The link to it still counts as use.
      { do: 'send-to', link: 'more', address: '$c_reply', expect: {} },
      { do: 'close', link: 's' },
      { do: 'close', link: 'more' },
      { do: 'send-to', link: 'late', address: '$c_reply', expect: { refused: 'amqp:not-found' } },
    ],
  },
  {
    name: 'a dynamic target',
    steps: [
      { do: 'send-to', link: 's', dynamic: true, expect: { address: '$c_s' } },
      { do: 'send', link: 's', body: 'x', expect: 'accepted' },
      { do: 'receive-from', link: 'r', on: 'b', address: '$c_s', expect: {} },
      { do: 'receive', link: 'r', body: 'x' },
    ],
  },
];

const messages: readonly Scenario[] = [
  {
    name: 'the anonymous relay looks `to` up as it stands and swallows what leads nowhere',
    steps: [
      {
        do: 'receive-from',
        link: 'r',
        address: qmfTopic,
        filter: { f: [topicCode, 'relay.#'] },
        expect: {},
      },
      { do: 'send-to', link: 's', expect: {} },
      { do: 'send', link: 's', to: 'qmf.default.topic/relay.a', body: 'slash', expect: 'accepted' },
      { do: 'send', link: 's', to: 'nowhere', subject: 'relay.b', body: 'nowhere', expect: 'accepted' },
      { do: 'send', link: 's', subject: 'relay.c', body: 'no to', expect: 'accepted' },
      { do: 'send', link: 's', to: qmfTopic, subject: 'relay.d', body: 'right', expect: 'accepted' },
      { do: 'receive', link: 'r', body: 'right' },
    ],
  },
  {
    name: 'a message for nobody is accepted',
    steps: [
      { do: 'send-to', link: 's', address: qmfDirect, expect: {} },
      { do: 'send', link: 's', subject: 'nobody:home:here', body: 'x', expect: 'accepted' },
    ],
  },
  {
    name: 'a message whose ttl has passed is not delivered',
    steps: [
      {
        do: 'send-to',
        link: 's',
        address: 'script.ttl',
        capabilities: ['create-on-demand', 'queue'],
        properties: { 'auto-delete': true },
        expect: {},
      },
      { do: 'send', link: 's', ttl: 30, body: 'short', expect: 'accepted' },
      { do: 'send', link: 's', ttl: 60_000, body: 'long', expect: 'accepted' },
      { do: 'wait', milliseconds: 80 },
      { do: 'receive-from', link: 'r', address: 'script.ttl', expect: {} },
      { do: 'receive', link: 'r', body: 'long' },
    ],
  },
  {
    name: 'credit is kept to, and drain makes the rest of it lapse',
    steps: [
      {
        do: 'receive-from',
        link: 'r',
        address: 'amq.topic',
        filter: { f: [topicCode, 'drain'] },
        credit: 0,
        expect: {},
      },
      { do: 'send-to', link: 's', address: 'amq.topic', expect: {} },
      { do: 'send', link: 's', subject: 'drain', body: '1', expect: 'accepted' },
      { do: 'send', link: 's', subject: 'drain', body: '2', expect: 'accepted' },
      { do: 'send', link: 's', subject: 'drain', body: '3', expect: 'accepted' },
      { do: 'nothing', link: 'r' },
      { do: 'credit', link: 'r', credit: 2 },
      { do: 'receive', link: 'r', body: '1' },
      { do: 'receive', link: 'r', body: '2' },
      { do: 'nothing', link: 'r' },
      { do: 'credit', link: 'r', credit: 10 },
      { do: 'receive', link: 'r', body: '3' },
      { do: 'drain', link: 'r' },
      { do: 'send', link: 's', subject: 'drain', body: '4', expect: 'accepted' },
      { do: 'nothing', link: 'r' },
      { do: 'credit', link: 'r', credit: 1 },
      { do: 'receive', link: 'r', body: '4' },
    ],
  },
];

/** Routing keys that a pattern gets, and keys that it does not get. */
const patterns: readonly [pattern: string, hits: readonly string[], misses: readonly string[]][] = [
  ['#', ['a', 'a.b', ''], []],
  ['*', ['a'], ['a.b']],
  ['a.#', ['a', 'a.b', 'a.b.c'], ['b', 'b.a']],
  ['#.c', ['c', 'a.c', 'a.b.c'], ['c.a', 'a.b']],
  ['a.#.c', ['a.c', 'a.b.c', 'a.b.b.c'], ['a', 'a.b', 'c']],
  ['*.b.*', ['a.b.c'], ['b', 'a.b', 'a.b.c.d']],
  ['#.b.#', ['b', 'a.b', 'b.c', 'a.b.c'], ['a', 'a.c']],
  ['a.*.#', ['a.b', 'a.b.c'], ['a']],
  ['a.#.b.#.c', ['a.b.c', 'a.x.b.y.c', 'a.b.b.c'], ['a.c', 'a.b']],
];

const matching: readonly Scenario[] = patterns.map(([pattern, hits, misses]) => ({
  name: `topic pattern ${pattern}`,
  steps: [
    { do: 'receive-from', link: 'r', address: 'amq.topic', filter: { f: [topicCode, pattern] }, expect: {} },
    { do: 'send-to', link: 's', address: 'amq.topic', expect: {} },
    ...misses.map(key => ({
      do: 'send' as const,
      link: 's',
      subject: key,
      body: `miss ${key}`,
      expect: 'accepted' as const,
    })),
    ...hits.map(key => ({
      do: 'send' as const,
      link: 's',
      subject: key,
      body: `hit ${key}`,
      expect: 'accepted' as const,
    })),
    ...hits.map(key => ({ do: 'receive' as const, link: 'r', body: `hit ${key}` })),
    { do: 'nothing', link: 'r' },
  ],
}));

export const scenarios: readonly Scenario[] = [
  ...subscriptions,
  ...capabilities,
  ...refusals,
  ...creation,
  ...dynamicNodes,
  ...messages,
  ...matching,
];
