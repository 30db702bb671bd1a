import { type ConsoleAgent, type DataAddress, QmfError, type Timers } from '@imagefactory/qmf';
import { BuildAdaptorOnBus } from '@imagefactory/schema';
import { isOver, isUnknown, type Standing, standingOf } from './standing.js';

/** Milliseconds from an answer to the next question; the pause doubles with each answer. */
const FIRST_PAUSE = 500;
/** Milliseconds without an answer after which a question may be lost, and is repeated. */
const SHARE = 1_000;

/**
 * Answer of an agent to the announcement that one of its builds is over:
 *
 * - `over`: the build is over, in this way
 * - `running`: it is not; the announcement did not come from the agent
 * - `unknown`: the agent knows no such build, or knows it no longer
 * - `silent`: the agent has not answered
 */
export type EndAnswer =
  | { readonly kind: 'over'; readonly standing: Standing }
  | { readonly kind: 'running' | 'unknown' | 'silent' };

/**
 * The questions to one agent about one announced end. Agents that announce an end a little before it can be read are asked again.
 * An earlier question stays open beside its repetition, so that an answer which takes longer counts too.
 */
export class EndCheck {
  readonly answer: Promise<EndAnswer>;
  readonly #agent: ConsoleAgent;
  readonly #address: DataAddress;
  readonly #timers: Timers;
  /** On the clock of the timers. */
  readonly #deadline: number;
  readonly #stop = new AbortController();
  #settle: (answer: EndAnswer) => void = () => undefined;
  /** Set by an announcement that came after the last question. */
  #isAnnounced = false;
  #pause = FIRST_PAUSE;
  #cancelNext: () => void = () => undefined;

  /** @param patience milliseconds until the answer is the latest one, or `silent` */
  constructor(agent: ConsoleAgent, address: DataAddress, patience: number, timers: Timers) {
    this.#agent = agent;
    this.#address = address;
    this.#timers = timers;
    this.#deadline = timers.now() + patience;
    this.answer = new Promise(resolve => {
      this.#settle = answer => {
        this.#cancelNext();
        resolve(answer);
        this.#stop.abort();
      };
    });
    void this.#ask();
  }

  /** The end was announced once more: the agent is asked once more too, even if the time is over by then. */
  announce(): void {
    this.#isAnnounced = true;
  }

  /** Asks without a pause, for the questions before may have been lost. */
  askNow(): void {
    if (this.#left > 0 && !this.#stop.signal.aborted) void this.#ask();
  }

  get #left(): number {
    return this.#deadline - this.#timers.now();
  }

  async #ask(): Promise<void> {
    this.#next(SHARE, 'silent');
    // Asked before the first announcement has come to its end, so that none is forgotten.
    await Promise.resolve();
    this.#isAnnounced = false;
    const limits = { timeout: Math.max(this.#left, FIRST_PAUSE), signal: this.#stop.signal };
    try {
      const standing = standingOf(await this.#agent.object(BuildAdaptorOnBus, this.#address, limits));
      if (isOver(standing)) this.#settle({ kind: 'over', standing });
      else this.#wait('running');
    } catch (error) {
      const { code } = QmfError.from(error, 'malformed_message');
      if (isUnknown(error)) this.#settle({ kind: 'unknown' });
      else if (code === 'closed') this.#settle({ kind: 'silent' });
      // The repetition of a question that met its deadline is on its way.
      else if (code !== 'timeout') this.#wait('silent');
    }
  }

  /** Waits longer after each answer or failure. */
  #wait(latest: 'running' | 'silent'): void {
    if (this.#stop.signal.aborted) return;
    this.#next(this.#pause, latest);
    this.#pause *= 2;
  }

  /** Asks again after `delay` milliseconds, or settles when the time is over before. */
  #next(delay: number, latest: 'running' | 'silent'): void {
    this.#cancelNext();
    this.#cancelNext = this.#timers.after(Math.min(delay, Math.max(this.#left, FIRST_PAUSE)), () => {
      if (this.#left > 0 || (latest === 'running' && this.#isAnnounced)) void this.#ask();
      else this.#settle({ kind: latest });
    });
  }
}
