import { qmfDirect, qmfTopic, type Scenario, topicCode } from './behaviour.test.steps.js';

/** What becomes of messages. */
export const messages: readonly Scenario[] = [
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

export const matching: readonly Scenario[] = patterns.map(([pattern, hits, misses]) => ({
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
