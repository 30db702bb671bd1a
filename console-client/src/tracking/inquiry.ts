import { setMaxListeners } from 'node:events';
import { QmfError } from '@imagefactory/qmf';

/** After a reconnect the agent sends what it has kept; a question is to come after that. Milliseconds. */
export const OUTBOX_HEAD_START = 200;
/** Milliseconds that one question waits for its answer. */
const ANSWER_TIME = 1_000;
/** Milliseconds before the first repetition; the pause doubles with each, up to the longest. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1_000;
/** Questions in a row without an answer, after which the agent counts as silent. */
const PATIENCE = 3;

export interface InquiryParts {
  /** Asks once. Asking changes nothing, so it may be repeated. */
  readonly ask: (limits: { readonly timeout: number; readonly signal: AbortSignal }) => Promise<void>;
  /** Whether there is a bus to ask over; when it comes back a new {@link Inquiry.start} is expected. */
  readonly isBusThere: () => boolean;
  /** Told when the agent leaves questions unanswered while the bus is there, and when it answers again. */
  readonly onSilence?: (isSilent: boolean) => void;
}

/**
 * Asks an agent how things stand, again and again until it has answered: after a gap it may need longer than we to come back, and its
 * first answers may be lost with the broken connection.
 */
export class Inquiry {
  readonly #stop = new AbortController();
  /** 0: at rest; 1: a round is under way; more: another one has been asked for since it began. */
  #wanted = 0;
  #isSilent = false;

  constructor(private readonly parts: InquiryParts) {
    // Each question that is open listens to it.
    setMaxListeners(0, this.#stop.signal);
  }

  /**
   * Starts asking. While a round is under way, another follows it: what happened meanwhile may not be in its answer.
   *
   * @param delay milliseconds to wait first, for news that are on their way by themselves
   */
  start(delay = 0): void {
    this.#wanted++;
    if (this.#wanted === 1) void this.#run(delay);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(delay: number): Promise<void> {
    await this.#pause(delay);
    while (this.#wanted > 0) {
      this.#wanted = 1;
      await this.#askUntilAnswered();
      this.#wanted--;
    }
  }

  async #askUntilAnswered(): Promise<void> {
    const { ask, isBusThere } = this.parts;
    const { signal } = this.#stop;
    let unanswered = 0;
    for (let pause = FIRST_PAUSE; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        await ask({ timeout: ANSWER_TIME, signal });
        this.#setSilent(false);
        return;
      } catch (error) {
        const { code } = QmfError.from(error, 'malformed_message');
        // The session is closed, or the next start comes with the bus.
        if (code === 'closed' || !isBusThere()) return;
        if (code === 'timeout' && ++unanswered >= PATIENCE) this.#setSilent(true);
      }
      await this.#pause(pause);
    }
  }

  #setSilent(isSilent: boolean): void {
    if (this.#isSilent === isSilent) return;
    this.#isSilent = isSilent;
    this.parts.onSilence?.(isSilent);
  }

  #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#stop;
    if (milliseconds === 0 || signal.aborted) return Promise.resolve();
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds).unref();
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
