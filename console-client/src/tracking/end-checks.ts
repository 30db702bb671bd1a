import type { ConsoleAgent, ConsoleSession, DataAddress, Timers } from '@imagefactory/qmf';
import { keyOf } from './build-change.js';
import { type EndAnswer, EndCheck } from './end-check.js';

/** Milliseconds from the announcement of an end to the time when it is told although the agent has not confirmed it. */
const PATIENCE = 5_000;
/** Builds that are asked about at a time. */
const LIMIT = 1_000;

const systemTimers: Timers = {
  now: () => performance.now(),
  after: (delay, task) => {
    const timer = setTimeout(task, delay).unref();
    return () => clearTimeout(timer);
  },
};

/** Asks agents whether builds are over as events say: every client that may send events can send one in the name of any agent. */
export class EndChecks {
  readonly #checks = new Map<string, EndCheck>();
  readonly #unlisten: () => void;

  /**
   * @param session its reconnects repeat the questions that are open
   * @param patience milliseconds
   */
  constructor(
    session: Pick<ConsoleSession, 'onReconnect'>,
    private readonly patience = PATIENCE,
    private readonly timers: Timers = systemTimers,
  ) {
    this.#unlisten = session.onReconnect(() => {
      for (const check of this.#checks.values()) check.askNow();
    });
  }

  /** One check for an end, however many ask at the same time. */
  check(agent: ConsoleAgent, address: DataAddress): Promise<EndAnswer> {
    const key = keyOf(address);
    const known = this.#checks.get(key);
    if (known !== undefined) {
      known.announce();
      return known.answer;
    }
    // So many do not end at once; an end that is not checked is found out when its build has been silent for a while.
    if (this.#checks.size >= LIMIT) return Promise.resolve({ kind: 'running' });
    const check = new EndCheck(agent, address, this.patience, this.timers);
    this.#checks.set(key, check);
    return check.answer.finally(() => this.#checks.delete(key));
  }

  /** Reconnects of the session repeat no question from now on. */
  close(): void {
    this.#unlisten();
  }
}
