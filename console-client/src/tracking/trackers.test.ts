import {
  type ConsoleAgent,
  type ConsoleSession,
  type DataAddress,
  type ReceivedEvent,
  TypedObject,
  type Value,
} from '@imagefactory/qmf';
import {
  BuildAdaptorOnBus,
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  PRODUCT,
  VENDOR,
} from '@imagefactory/schema';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Build } from '../build.js';
import { FactoryEvents } from '../factory-events.js';
import type { AddressedChange } from './build-change.js';
import { EndChecks } from './end-checks.js';
import { filledIn } from './filled-in.js';
import { Trackers } from './trackers.js';

const address: DataAddress = { agentName: 'v:p:i', objectName: 'build_adaptor-1', agentEpoch: 0 };

/** The values of an event, which count how often they are read through. */
class CountedValues extends Map<string, Value> {
  reads = 0;
  override [Symbol.iterator](): MapIterator<[string, Value]> {
    this.reads++;
    return super[Symbol.iterator]();
  }
}

/** The next item of a stream that has one. */
async function next<T>(stream: AsyncIterableIterator<T, undefined> | undefined): Promise<T> {
  const result = await stream?.next();
  if (result?.done !== false) throw new Error('the stream has ended');
  return result.value;
}

/** A session with one agent, whose events come from the test. */
class OneAgent {
  #listener: (event: ReceivedEvent) => void = () => undefined;
  readonly counted: CountedValues[] = [];
  readonly agent: ConsoleAgent;
  readonly trackers: Trackers;

  constructor() {
    const info = { vendor: VENDOR, product: PRODUCT, instance: 'i', epoch: 1 };
    const nothing = async (): Promise<never[]> => Promise.resolve([]);
    const agent = { name: address.agentName, info, objects: nothing, addresses: nothing };
    this.agent = agent as unknown as ConsoleAgent; // as much of it as is used
    const none = (): (() => void) => () => undefined;
    const session = {
      isConnected: true,
      agents: () => [this.agent],
      onEvent: (listener: (event: ReceivedEvent) => void) => {
        this.#listener = listener;
        return () => undefined;
      },
      ...{ onAgentChange: none, onReconnect: none, onBusGone: none },
    } as unknown as ConsoleSession; // as above
    this.trackers = new Trackers(session, 60_000, new EndChecks(session));
  }

  build(): Build {
    const adaptor = new TypedObject(this.agent, BuildAdaptorOnBus, address, { values: new Map() });
    return new Build({ isConnected: true } as ConsoleSession, this.trackers, adaptor); // it is not asked here
  }

  raise(change: AddressedChange['change']): void {
    const { event } = filledIn({ address, at: 1n, change }).decoded;
    const wireValues = new CountedValues(event.wireValues);
    wireValues.reads = 0;
    this.counted.push(wireValues);
    this.#listener({ ...event, wireValues });
  }
}

describe('the trackers of a console', () => {
  it('decode an event once, for a build, streams of all and of one class, and listeners', async () => {
    const bench = new OneAgent();
    const events = new FactoryEvents(bench.trackers);
    const build = bench.build();
    const changes = build.changes();
    const raw = events.stream(({ event }) => event);
    const [first, second] = [1, 2].map(() =>
      events.stream(({ decoded, event }) => {
        const typed = decoded.as(BuildAdaptorStatusEvent);
        return typed === undefined ? undefined : { ...typed, caughtUp: event.caughtUp };
      }),
    );
    const percents = events.stream(({ decoded, event }) => {
      const typed = decoded.as(BuildAdaptorPercentCompleteEvent);
      return typed === undefined ? undefined : { ...typed, caughtUp: event.caughtUp };
    });
    bench.raise({ kind: 'status', status: 'BUILDING', oldStatus: 'NEW', caughtUp: false });
    bench.raise({ kind: 'percent', percent: 40, caughtUp: false });
    expect((await next(raw)).values).to.include({ new_status: 'BUILDING' });
    expect((await next(first)).values).to.include({ new_status: 'BUILDING' });
    expect((await next(second)).values).to.include({ new_status: 'BUILDING' });
    expect((await next(percents)).values).to.include({ percent_complete: 40 });
    expect(await next(changes)).to.include({ status: 'BUILDING' });
    expect(await next(changes)).to.include({ percent: 40 });
    expect(bench.counted.map(({ reads }) => reads)).to.deep.equal([1, 1]);
    bench.trackers.close();
  });

  it('decode no event without readers, and no build outlives its last one', () => {
    const bench = new OneAgent();
    bench.raise({ kind: 'percent', percent: 1, caughtUp: false });
    const [one, other] = [bench.build(), bench.build()];
    bench.raise({ kind: 'percent', percent: 2, caughtUp: false });
    one.close();
    bench.raise({ kind: 'percent', percent: 3, caughtUp: false });
    expect(other.percentComplete).to.equal(3);
    other.close();
    bench.raise({ kind: 'percent', percent: 4, caughtUp: false });
    expect(bench.counted.map(({ reads }) => reads)).to.deep.equal([0, 1, 1, 0]);
    expect(other.percentComplete).to.equal(3);
    bench.trackers.close();
  });

  it('give a second view of a build the changes before it', async () => {
    const bench = new OneAgent();
    const first = bench.build();
    bench.raise({ kind: 'status', status: 'BUILDING', oldStatus: 'NEW', caughtUp: false });
    bench.raise({ kind: 'percent', percent: 2, caughtUp: false });
    const changes = bench.build().changes();
    expect(await next(changes)).to.include({ status: 'BUILDING' });
    expect(await next(changes)).to.include({ percent: 2 });
    first.close();
    bench.raise({ kind: 'percent', percent: 3, caughtUp: false });
    expect(await next(changes)).to.include({ percent: 3 });
    bench.trackers.close();
  });
});
