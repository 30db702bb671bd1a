import { QmfError } from '../errors.js';
import type { SessionLog } from '../session/session-log.js';
import { SparingWarnings } from '../session/sparing-warnings.js';

/** What an agent sends, as its log calls it. */
export type Sent = 'progress event' | 'event' | 'answer' | 'heartbeat';

/** Messages of an agent that reached nobody, or not everybody; numbers since it was made. */
export interface AgentLosses {
  /** Progress events that had to make room in the outbox for what matters more. */
  readonly droppedProgress: number;
  /** Other messages that found no room in the outbox. */
  readonly dropped: number;
  /** The broker did not take them at the time: usually the queue of some console is full. */
  readonly released: number;
  /** The broker refused them for good. */
  readonly rejected: number;
  /** Lost for another reason, such as the end of the connection. */
  readonly lost: number;
}

/**
 * Counts what was lost, and tells the log sparingly: each loss at debug, a kind of losses as a warning at once and then once a
 * minute, and what was dropped while the broker was away once, when it is back.
 */
export class Losses {
  readonly #warnings: SparingWarnings;
  readonly #duringOutage = new Map<Sent, number>();
  #counts: AgentLosses = { droppedProgress: 0, dropped: 0, released: 0, rejected: 0, lost: 0 };

  /** @param now milliseconds of a clock that never goes back */
  constructor(
    private readonly log: SessionLog,
    private readonly isAway: () => boolean,
    now?: () => number,
  ) {
    this.#warnings = new SparingWarnings(log, now);
  }

  get counts(): AgentLosses {
    return this.#counts;
  }

  /** @param name which one, for people: `a WidgetResized`, `an answer to …` */
  count(sent: Sent, name: string, reason: unknown): void {
    const error = QmfError.from(reason, 'connection_lost');
    const counted = counterOf(sent, error);
    this.#counts = { ...this.#counts, [counted]: this.#counts[counted] + 1 };
    this.log.debug(`${name} was lost: ${error.message}`);
    // The next heartbeat comes anyway; a full queue at one console must not disturb us (§9.25). One that the broker will never take
    // is another matter: nobody gets to know of this agent.
    if (sent === 'heartbeat' && counted !== 'rejected') return;
    if (error.code === 'outbox_full' && this.isAway())
      this.#duringOutage.set(sent, (this.#duringOutage.get(sent) ?? 0) + 1);
    else this.#warn(sent, name, error);
  }

  /** The broker is back, or the session ends: says what was dropped meanwhile. */
  tell(): void {
    for (const [sent, count] of this.#duringOutage)
      this.log.warn(`${count} ${sent}${count === 1 ? '' : 's'} dropped while the broker was away`);
    this.#duringOutage.clear();
  }

  #warn(sent: Sent, name: string, { code, message }: QmfError): void {
    // The broker tells of the queue that is full alone; others behind the exchange may have got the message.
    const what = code === 'message_released' && sent !== 'answer' ? 'did not reach everybody' : 'was lost';
    this.#warnings.warn(`${sent} ${code}`, `${name} ${what}: ${message}`);
  }
}

function counterOf(sent: Sent, { code }: QmfError): keyof AgentLosses {
  switch (code) {
    case 'outbox_full':
      return sent === 'progress event' ? 'droppedProgress' : 'dropped';
    case 'message_released':
      return 'released';
    case 'message_rejected':
    case 'address_refused':
    case 'not_authorised':
      return 'rejected';
    default:
      return 'lost';
  }
}
