import { qmfTopic, type Scenario, topicCode } from './behaviour.test.steps.js';

/** Which capabilities are granted. */
export const capabilities: readonly Scenario[] = [
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

/** What can't be attached to. */
export const refusals: readonly Scenario[] = [
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

/** Exchanges and queues made by attaching to them. */
export const creation: readonly Scenario[] = [
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

export const dynamicNodes: readonly Scenario[] = [
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

/** What the embedded broker leaves out on purpose. */
export const differences: readonly Scenario[] = [
  {
    name: 'filtering or browsing a queue, which the embedded broker does not do',
    steps: [
      {
        do: 'send-to',
        link: 's',
        address: 'script.filtered',
        capabilities: ['create-on-demand', 'queue'],
        properties: { 'auto-delete': true },
        expect: {},
      },
      {
        do: 'receive-from',
        link: 'r',
        address: 'script.filtered',
        filter: { f: [topicCode, 'a.#'] },
        expect: { filter: { f: [topicCode, 'a.#'] } },
        embedded: {
          expect: { refused: 'amqp:not-implemented' },
          reason: 'QMF never does it, and a queue that hands out from its middle is no longer a simple list',
        },
      },
    ],
  },
];
