import { amqp10 } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import type { Body } from '@imagefactory/qmf/wire';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { placeOf } from '../faults/site.js';
import { type Direction, FaultProxy } from '../support/fault-proxy.js';
import { until } from '../support/until.js';
import { type Delivery, LinkReader } from './links.js';
import { readRecorded } from './message.js';

/** More than a frame takes. */
const large = 'x'.repeat(100_000);

describe('the reader of messages on a connection', () => {
  let broker: RunningBroker;
  const chunks: Record<Direction, Buffer[]> = { toBroker: [], toClient: [] };

  before(async () => {
    broker = await startBroker();
    const proxy = await FaultProxy.start(placeOf(broker.url), () => ({
      toBroker: bytes => chunks.toBroker.push(Buffer.from(bytes)),
      toClient: bytes => chunks.toClient.push(Buffer.from(bytes)),
    }));
    const wire = await amqp10(proxy.through(broker.url)).dial(AbortSignal.timeout(60_000));
    let received = 0;
    const binding = {
      exchange: 'qmf.default.topic',
      exchangeType: 'topic',
      key: 'a.#',
      create: false,
    } as const;
    await wire.bind(binding, () => received++);
    for (const value of ['small', large]) {
      const body: Body = { form: 'value', value };
      await wire.send({ to: { node: 'qmf.default.topic', subject: 'a.b' }, headers: new Map(), body });
    }
    await until('both messages are there', () => received === 2);
    await wire.close();
    await proxy.stop();
  });
  after(() => broker.stop());

  function read(direction: Direction, pieces: readonly Uint8Array[]): Delivery[] {
    const found: Delivery[] = [];
    const reader = new LinkReader(direction, delivery => found.push(delivery));
    for (const piece of pieces) reader.read(piece);
    return found;
  }

  for (const direction of ['toBroker', 'toClient'] as const) {
    it(`finds them ${direction}, whole and with the address of their link`, () => {
      const found = read(direction, chunks[direction]);
      expect(found.map(({ node }) => node)).to.deep.equal(['qmf.default.topic', 'qmf.default.topic']);
      const messages = found.map(({ bytes }) => readRecorded(bytes));
      expect(messages.map(({ body }) => (body.form === 'value' ? body.value : undefined))).to.deep.equal([
        'small',
        large,
      ]);
      expect(messages.map(({ properties }) => properties.get('subject'))).to.deep.equal(['a.b', 'a.b']);
    });

    it(`finds the same ${direction} for every size of chunks`, () => {
      const whole = Buffer.concat(chunks[direction]);
      const expected = read(direction, [whole]);
      for (const size of [1, 7, 4096]) {
        const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
          whole.subarray(index * size, (index + 1) * size),
        );
        expect(read(direction, pieces), `${size} bytes at a time`).to.deep.equal(expected);
      }
    });
  }

  it('says that bytes are no AMQP 1.0', () => {
    expect(() => read('toBroker', [Buffer.from([0, 0, 0, 1, 3, 1, 0, 0])])).to.throw(
      'an AMQP frame of 1 bytes',
    );
  });
});
