import { type ConsoleAgent, type DataAddress, QmfError, type Timers } from '@imagefactory/qmf';
import { BuildAdaptorOnBus } from '@imagefactory/schema';
import { keyOf } from './build-feed.js';
import { isOver, isUnknown, type Standing, standingOf } from './standing.js';

/** Milliseconds from the announcement of an end to the time when it is told although the agent has not confirmed it. */
const PATIENCE = 5_000;
/** Milliseconds before the second question; the pause doubles with each, up to the end of the patience. */
const FIRST_PAUSE = 500;
/** Builds that are asked about at a time. */
const LIMIT = 1_000;

/**
 * What an agent says to the announcement that one of its builds is over:
 *
 * - `over`: it is, in this way
 * - `running`: it is not; the announcement was none of the agent's
 * - `unknown`: it knows no such build, or knows it no longer
 * - `silent`: it has not answered
 */
export type EndAnswer =
  | { readonly kind: 'over'; readonly standing: Standing }
  | { readonly kind: 'running' | 'unknown' | 'silent' };

interface Check {
  readonly answer: Promise<EndAnswer>;
  /** Set by an announcement that came after the last question. */
  isAsked: boolean;
}

const systemTimers: Timers = {
  now: () => performance.now(),
  after: (delay, task) => {
    const timer = setTimeout(task, delay).unref();
    return () => clearTimeout(timer);
  },
};

/** Asks agents whether builds are over as events say, since anybody who may send events can send one in the name of any agent. */
export class EndChecks {
  readonly #checks = new Map<string, Check>();

  /** @param patience milliseconds */
  constructor(
    private readonly patience = PATIENCE,
    private readonly timers: Timers = systemTimers,
  ) {}

  /**
   * One question for an end that is true, however many ask at the same time. Agents that tell of an end a little before it can be read get
   * another in time.
   */
  check(agent: ConsoleAgent, address: DataAddress): Promise<EndAnswer> {
    const key = keyOf(address);
    const known = this.#checks.get(key);
    if (known !== undefined) {
      known.isAsked = true;
      return known.answer;
    }
    // So many do not end at once; what does is found out when its build has been silent for a while.
    if (this.#checks.size >= LIMIT) return Promise.resolve({ kind: 'running' });
    const check: Check = {
      isAsked: false,
      answer: this.#ask(agent, address, () => {
        const { isAsked } = check;
        check.isAsked = false;
        return isAsked;
      }).finally(() => this.#checks.delete(key)),
    };
    this.#checks.set(key, check);
    return check.answer;
  }

  async #ask(agent: ConsoleAgent, address: DataAddress, wasAsked: () => boolean): Promise<EndAnswer> {
    const deadline = this.timers.now() + this.patience;
    let answer: EndAnswer = { kind: 'silent' };
    for (let pause = FIRST_PAUSE; ; pause *= 2) {
      const left = deadline - this.timers.now();
      if (left <= 0 && !(answer.kind === 'running' && wasAsked())) return answer;
      try {
        // Asked before the first announcement has come to its end, so that none is forgotten.
        await Promise.resolve();
        wasAsked();
        const object = await agent.object(BuildAdaptorOnBus, address, {
          timeout: Math.max(left, FIRST_PAUSE),
        });
        const standing = standingOf(object);
        if (isOver(standing)) return { kind: 'over', standing };
        answer = { kind: 'running' };
      } catch (error) {
        if (isUnknown(error)) return { kind: 'unknown' };
        answer = { kind: 'silent' };
        if (QmfError.from(error, 'malformed_message').code === 'closed') return answer;
      }
      await this.#pause(Math.min(pause, Math.max(deadline - this.timers.now(), FIRST_PAUSE)));
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise(resolve => void this.timers.after(milliseconds, resolve));
  }
}
