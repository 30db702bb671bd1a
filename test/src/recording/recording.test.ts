import { int32, uint64, type Value, type ValueMap } from '@imagefactory/qmf';
import { encodeBareMessage } from '@imagefactory/qmf/wire';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { readRecorded } from './message.js';
import { recordingText } from './recording.js';
import type { Passed } from './tap.js';

interface Sketch {
  readonly subject?: string;
  readonly value?: Value;
  readonly headers?: ValueMap;
  readonly messageId?: string;
}

function bytesOf({ subject = 'a.b', value = 'hello', headers, messageId }: Sketch): Buffer {
  return encodeBareMessage({
    subject,
    ...(messageId === undefined ? {} : { messageId }),
    ...(headers === undefined ? {} : { applicationProperties: headers }),
    body: { form: 'value', value },
  });
}

const node = 'qmf.default.topic';
const sent = (party: string, sketch: Sketch): Passed => ({
  ...{ party, node, direction: 'toBroker' },
  message: readRecorded(bytesOf(sketch)),
});
const received = (party: string, sketch: Sketch): Passed => ({
  ...sent(party, sketch),
  direction: 'toClient',
});

function textOf(passed: readonly Passed[]): string {
  return recordingText({
    ...{ scenario: 's', about: 'a', parties: ['agent', 'console'], passed },
    literals: { '/tmp/x1': '<directory>' },
  });
}

interface Read {
  readonly streams: readonly {
    readonly from: string;
    readonly to: string;
    readonly object?: string;
    readonly messages: readonly Record<string, unknown>[];
  }[];
}
const streamsOf = (passed: readonly Passed[]): Read['streams'] =>
  (JSON.parse(textOf(passed)) as Read).streams; // our own text

const ids = ['0b7c2f52-6a9e-4f0e-8f0b-0d1c6f9b8c11', '1b7c2f52-6a9e-4f0e-8f0b-0d1c6f9b8c11'] as const;
const heartbeat = new Map([['qmf.opcode', '_agent_heartbeat_indication']]);
const event = new Map([
  ['qmf.opcode', '_data_indication'],
  ['qmf.content', '_event'],
]);
const about = (name: string, status: string): Value => [
  new Map<string, Value>([
    [
      '_values',
      new Map<string, Value>([
        ['addr', new Map([['_object_name', name]])],
        ['status', status],
      ]),
    ],
  ]),
];

describe('a recording', () => {
  it('shows types, the order of entries, and the receivers of a message', () => {
    const value = new Map<string, Value>([
      ['z', int32(1)],
      ['2', uint64(1)],
      ['1', Buffer.from('text')],
      ['b', Buffer.from([0, 255])],
      ['n', [null, true]],
    ]);
    const text = textOf([sent('agent', { value }), received('console', { value })]);
    expect(text).to.include(
      '"value": { "z": { "$int32": 1 }, "2": { "$uint64": 1 }, "1": { "$binary": "text" }, "b": { "$hex": "00ff" }, "n": [null, true] }',
    );
    expect(text).to.include('"received": ["console"]');
  });

  it('has names for ids, times and paths, and is the same with others', () => {
    const talk = (one: string, other: string, time: bigint): string =>
      textOf([
        sent('agent', {
          value: new Map<string, Value>([
            ['image', one],
            ['finished_image', `/tmp/x1/images/${other}.body`],
            ['at', uint64(time)],
            ['text', '2026-11-30T12:00:00.000Z'],
          ]),
        }),
      ]);
    const text = talk(ids[0], ids[1], 1_700_000_000_000_000_000n);
    expect(text).to.equal(talk(ids[1], ids[0], 1_800_000_000_000_000_000n));
    for (const name of [
      '<image-1>',
      '<directory>/images/<uuid-1>.body',
      '{ "$uint64": "<time>" }',
      '"text": "<time>"',
    ])
      expect(text).to.include(name);
  });

  it('keeps the order in a stream, and none between streams', () => {
    const [a, b, c] = [{ subject: 'a', value: '1' }, { subject: 'a', value: '2' }, { subject: 'c' }];
    const inOneOrder = textOf([sent('agent', a), sent('agent', b), sent('agent', c)]);
    expect(textOf([sent('agent', c), sent('agent', a), sent('agent', b)])).to.equal(inOneOrder);
    expect(textOf([sent('agent', b), sent('agent', a), sent('agent', c)])).not.to.equal(inOneOrder);
  });

  it('has a stream for the events of each object', () => {
    const raised = (name: string, status: string): Passed =>
      sent('agent', { headers: event, value: about(name, status) });
    const mixed = [raised('x', 'NEW'), raised('y', 'NEW'), raised('x', 'COMPLETED'), raised('y', 'FAILED')];
    expect(streamsOf(mixed).map(({ object, messages }) => [object, messages.length])).to.deep.equal([
      ['x', 2],
      ['y', 2],
    ]);
    const sorted = [0, 2, 3, 1].flatMap(index => mixed[index] ?? []);
    expect(textOf(sorted)).not.to.equal(textOf(mixed)); // y has failed before it was new
    expect(textOf([1, 3, 0, 2].flatMap(index => mixed[index] ?? []))).to.equal(textOf(mixed));
  });

  it('keeps the order of the events of one object across routing keys', () => {
    const raised = (subject: string): Passed =>
      sent('agent', { subject, headers: event, value: about('x', 'NEW') });
    const keys = ['event.Status', 'event.Percent', 'event.Status'];
    const [stream] = streamsOf(keys.map(raised));
    expect(stream).to.include({ to: node, object: 'x' });
    expect(stream?.messages.map(({ to }) => to)).to.deep.equal(keys);
    expect(stream?.messages[2]).to.deep.equal({ to: 'event.Status', 'as before, but': {} });
  });

  it('shows the differences from the message before, and another form as a whole', () => {
    const values: Value[] = [int32(1), int32(2), uint64(2), [int32(2)]];
    const [stream] = streamsOf(values.map(value => sent('agent', { value })));
    const [, second, third, fourth] = stream?.messages ?? [];
    expect(second).to.deep.equal({ 'as before, but': { value: { $int32: 2 } } });
    expect(third).to.deep.equal({ 'as before, but': { value: { $uint64: 2 } } });
    expect(fourth).to.deep.include({ value: [{ $int32: 2 }] });
  });

  it('shows changes by a broker, and messages out of order', () => {
    const changed = streamsOf([sent('agent', { value: 'a' }), received('console', { value: 'b' })]);
    expect(changed.map(({ from, messages }) => [from, messages[0]?.['received']])).to.deep.equal([
      ['agent', []],
      ['broker', ['console']],
    ]);
    const [one, two] = [{ value: '1' }, { value: '2' }];
    const late = [sent('agent', one), sent('agent', two), received('console', two), received('console', one)];
    expect(textOf(late)).to.include('console, after a later one');
  });

  it('has a message that was sent twice two times, with its id', () => {
    const [stream] = streamsOf(
      [1, 2].flatMap(() => [
        sent('agent', { messageId: ids[0] }),
        received('console', { messageId: ids[0] }),
      ]),
    );
    expect(stream?.messages).to.have.lengthOf(2);
    expect(stream?.messages[0]).to.deep.include({
      properties: { 'message-id': '<uuid-1>' },
      received: ['console'],
    });
    const [single] = streamsOf([sent('agent', { messageId: ids[0] })]);
    expect(single?.messages[0]).to.deep.include({ properties: { 'message-id': '<unique>' } });
  });

  it('has heartbeats once per content', () => {
    const beat = (value: Value): Passed => sent('agent', { headers: heartbeat, value });
    expect(textOf([beat('a'), beat('a'), beat('a')])).to.equal(textOf([beat('a')]));
    expect(textOf([beat('a'), beat('b')])).not.to.equal(textOf([beat('a')]));
  });
});
