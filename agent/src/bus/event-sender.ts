import { type AgentSession, type EventClass, Int, type RaiseOptions, type ValuesOf } from '@imagefactory/qmf';
import { errorLine, type Logger } from '@imagefactory/factory/platform';
import { SEQUENCE_PROPERTY } from '@imagefactory/schema';

export interface SendOptions extends Pick<RaiseOptions, 'importance'> {
  /** The event is sent when its change is on record, with the sequence that this resolves with. It must not reject. */
  readonly recorded?: Promise<number | undefined>;
}

/** Raises events without making their builds wait for a broker. */
export class EventSender {
  /** Resolves when all events so far were handed to the session. */
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly session: Pick<AgentSession, 'raise' | 'now'>,
    private readonly log: Logger,
  ) {}

  /** Events are sent in the order of the calls. Resolves when the broker has the event, or never will; never rejects. */
  async raise<C extends EventClass>(
    eventClass: C,
    values: ValuesOf<C>,
    { recorded, ...options }: SendOptions = {},
  ): Promise<void> {
    const before = this.#underWay;
    // Consoles compare it with the times of objects, which have changed by now: an event older than what was read of an object adds nothing.
    const timestamp = this.session.now();
    const handedOver = (async () => {
      await before;
      const sequence = await recorded;
      const properties = sequence === undefined ? {} : { [SEQUENCE_PROPERTY]: new Int('int64', sequence) };
      // In an object: the next event does not wait for the broker.
      return { taken: this.#send(eventClass, values, { ...options, timestamp, properties }) };
    })();
    this.#underWay = handedOver;
    await (await handedOver).taken;
  }

  /** Resolves when the session has all events that were raised by now. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  async #send<C extends EventClass>(
    eventClass: C,
    values: ValuesOf<C>,
    options: RaiseOptions,
  ): Promise<void> {
    try {
      await this.session.raise(eventClass, values, options);
    } catch (error) {
      this.log.error(`an event could not be raised: ${errorLine(error)}`);
    }
  }
}
