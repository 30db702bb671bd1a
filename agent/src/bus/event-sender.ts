import type { AgentSession, EventClass, ValuesOf } from '@imagefactory/qmf';
import { errorLine, type Logger } from '../log/index.js';

/** Raises events and knows which of them the broker has not taken yet. */
export class EventSender {
  readonly #session: AgentSession;
  readonly #log: Logger;
  readonly #unsent = new Set<Promise<void>>();

  constructor(session: AgentSession, log: Logger) {
    this.#session = session;
    this.#log = log;
  }

  /** Events that are still under way. */
  get unsent(): number {
    return this.#unsent.size;
  }

  /** Events go out in the order of the calls. */
  raise<C extends EventClass>(eventClass: C, values: ValuesOf<C>): void {
    const sending = this.#session
      .raise(eventClass, values)
      .catch((error: unknown) => this.#log.error(`an event could not be raised: ${errorLine(error)}`))
      .finally(() => this.#unsent.delete(sending));
    this.#unsent.add(sending);
  }

  /** Waits until everything has been sent, at most `timeout` milliseconds; gives the number of events that were not. */
  async flush(timeout: number): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>(resolve => {
      timer = setTimeout(resolve, timeout);
    });
    await Promise.race([Promise.all(this.#unsent), deadline]);
    clearTimeout(timer);
    return this.#unsent.size;
  }
}
