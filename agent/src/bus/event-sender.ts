import type { AgentSession, EventClass, RaiseOptions, ValuesOf } from '@imagefactory/qmf';
import { errorLine, type Logger } from '@imagefactory/factory/platform';

/** Raises events for those who don't wait for them: no build waits for a broker. */
export class EventSender {
  constructor(
    private readonly session: AgentSession,
    private readonly log: Logger,
  ) {}

  /** Events go out in the order of the calls. Resolves when the broker has it, or never will; never rejects. */
  raise<C extends EventClass>(eventClass: C, values: ValuesOf<C>, options?: RaiseOptions): Promise<void> {
    return this.session
      .raise(eventClass, values, options)
      .catch((error: unknown) => this.log.error(`an event could not be raised: ${errorLine(error)}`));
  }
}
