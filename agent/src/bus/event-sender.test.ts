import { recordingLogger } from '@imagefactory/factory/testing';
import { type AgentSession, Int, type RaiseOptions } from '@imagefactory/qmf';
import { BuildAdaptorPercentCompleteEvent, SEQUENCE_PROPERTY } from '@imagefactory/schema';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { EventSender, type SendOptions } from './event-sender.js';

describe('EventSender', () => {
  let sent: string[];
  let times: (bigint | undefined)[];
  let time: bigint;
  let broker: Promise<void>;
  let sender: EventSender;
  let log: ReturnType<typeof recordingLogger>;
  beforeEach(() => {
    sent = [];
    times = [];
    time = 0n;
    broker = Promise.resolve();
    log = recordingLogger();
    const raise = (
      _class: unknown,
      { percent_complete: percent }: { percent_complete: number },
      options: RaiseOptions = {},
    ): Promise<void> => {
      const sequence = options.properties?.[SEQUENCE_PROPERTY];
      sent.push(
        `${percent} ${options.importance ?? ''} ${sequence instanceof Int ? sequence.toString() : 'none'}`,
      );
      times.push(options.timestamp);
      return broker;
    };
    // Only events of one class are raised here.
    sender = new EventSender({ raise: raise as unknown as AgentSession['raise'], now: () => time }, log);
  });

  const raise = (percent: number, options?: SendOptions): Promise<void> =>
    sender.raise(
      BuildAdaptorPercentCompleteEvent,
      { addr: {}, event: 'PERCENTAGE', percent_complete: percent },
      options,
    );

  it('sends an event when it is on record, and those after it in their order', async () => {
    let recorded: (sequence: number) => void = () => undefined;
    const first = raise(1, { recorded: new Promise(resolve => (recorded = resolve)) });
    const others = [raise(2, { importance: 'progress' }), raise(3, { recorded: Promise.resolve(8) })];
    await new Promise(setImmediate);
    expect(sent).to.deep.equal([]);
    recorded(7);
    await Promise.all([first, ...others]);
    expect(sent).to.deep.equal(['1  7', '2 progress none', '3  8']);
  });

  it('gives an event the time at which it happened, which is not that at which it is on record', async () => {
    let recorded: (sequence: number) => void = () => undefined;
    time = 10n;
    const first = raise(1, { recorded: new Promise(resolve => (recorded = resolve)) });
    time = 11n;
    const second = raise(2);
    time = 20n;
    recorded(7);
    await Promise.all([first, second]);
    expect(times).to.deep.equal([10n, 11n]);
  });

  it('waits for the broker with none of them, and gives them all to the session before it is settled', async () => {
    broker = new Promise(() => undefined);
    void raise(1);
    void raise(2, { recorded: new Promise(resolve => setImmediate(() => resolve(undefined))) });
    await sender.settled();
    expect(sent).to.deep.equal(['1  none', '2  none']);
  });

  it('logs what cannot be raised', async () => {
    broker = Promise.reject(new Error('too large'));
    await raise(1);
    expect(log.lines.join()).to.include('an event could not be raised: too large');
  });
});
