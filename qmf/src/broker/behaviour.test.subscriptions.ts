import {
  type AttachExpectation,
  directCode,
  directSymbol,
  type FilterTable,
  qmfDirect,
  qmfTopic,
  type Scenario,
  topicCode,
  topicSymbol,
} from './behaviour.test.steps.js';

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

const agentKeys = { hit: 'script.event.x', miss: 'other.script.x' };

/** What a receiver on an exchange gets. */
export const subscriptions: readonly Scenario[] = [
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
