import type { ConsoleAgent, ConsoleSession, DataAddress } from '@imagefactory/qmf';
import { checkAborted } from '../patience.js';
import type { BuildChange } from '../tracking/build-change.js';
import { eventPages } from './event-pages.js';
import type { ImportEvent, OtherEvent } from './recorded-event.js';

/** An event of a factory, from its record. */
export type FactoryEvent = (BuildChange | ImportEvent | OtherEvent) & {
  readonly sequence: number;
  /** By the agent's clock. */
  readonly time: Date;
  /** The adaptor of the build or push; absent for what has none. */
  readonly address?: DataAddress;
  /** The record of the agent has begun anew before this event: it was lost, and with it events that were not read yet. */
  readonly missed?: true;
};

export interface FactoryEventsOptions {
  /**
   * Sequence of the first event wanted: 1 for the beginning, or that of the last event that was processed. Events of one step share theirs, so to miss
   * none the last ones are read again.
   */
  readonly from: number;
  /** Ends the loop with an `aborted` error. */
  readonly signal?: AbortSignal;
}

/**
 * The events of all builds of an agent from a sequence on, in order, each once. All are read from the agent's record; events on the bus only say when
 * there is something to read, so a lost one costs at most `silence` milliseconds.
 */
export async function* followedEvents(
  session: ConsoleSession,
  agent: ConsoleAgent,
  silence: number,
  { from, signal }: FactoryEventsOptions,
): AsyncGenerator<FactoryEvent, undefined> {
  let isDue = true;
  let wake = (): void => undefined;
  const due = (): void => {
    isDue = true;
    wake();
  };
  const stops = [
    session.onEvent(event => {
      if (event.agent === agent.name) due();
    }),
    session.onReconnect(due),
    session.onBusGone(due),
  ];
  signal?.addEventListener('abort', due, { once: true });
  let position = Math.max(1, from);
  let missed = false;
  try {
    for (;;) {
      isDue = false;
      for await (const { events, next } of eventPages(agent, '', position, signal)) {
        for (const { sequence, at, address, change } of events) {
          yield {
            ...{ ...change, sequence, time: new Date(Number(at / 1_000_000n)) },
            ...(address === undefined ? {} : { address }),
            ...(missed ? { missed } : {}),
          };
          missed = false;
        }
        // An agent whose record is shorter than what was read of it has lost it.
        const isAnew = next < position;
        missed ||= isAnew;
        isDue ||= isAnew;
        position = isAnew ? 1 : next;
      }
      checkAborted(signal, 'reading the record of events');
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, isDue ? 0 : silence);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    for (const stop of stops) stop();
    signal?.removeEventListener('abort', due);
    wake();
  }
}
