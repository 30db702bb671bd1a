import { randomInt, randomUUID } from 'node:crypto';
import { wait } from '../connection/signals.js';
import { QmfError, type QmfErrorCode } from '../errors.js';
import { correlationText, type Envelope } from '../message/envelope.js';
import { agentOf } from '../message/headers.js';
import { BROKER_KEY } from '../message/keys.js';

/** Limits of a request. */
export interface RequestOptions {
  /** Milliseconds; default 60 000 as in C++. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const DEFAULT_REQUEST_TIMEOUT = 60_000;

/** What a request asks, and of whom. */
export interface RequestKind {
  /** For people, in the text of errors. */
  readonly what: string;
  readonly agent: string;
  /** The agent has no `_direct_subject`, as the broker's own, which may answer under its alias. */
  readonly hasAlias?: boolean;
  /** A call that goes out on an open connection: once it has, its failures say that it may have been carried out. */
  readonly isCall?: boolean;
  readonly version?: 'QMFv2' | 'QMFv1';
}

interface Pending {
  readonly agent: string;
  readonly hasAlias: boolean;
  /** Gets each answer; returns true when it was the last. May throw, which fails the request. */
  readonly receive: (envelope: Envelope) => boolean;
  readonly succeed: () => void;
  readonly fail: (error: QmfError) => void;
}

/**
 * Requests that wait for answers, by correlation id. Each is answered, fails, or meets its deadline. A peer that has not read a request
 * cannot answer it: the ids are random.
 */
export class RequestTable {
  readonly #pending = new Map<string, Pending>();

  get size(): number {
    return this.#pending.size;
  }

  /**
   * Sends a request and feeds its answers to `receive` until that says it was the last.
   *
   * @param send hands the request to the bus under the given correlation id
   */
  async request(
    { what, agent, hasAlias = false, isCall = false, version = 'QMFv2' }: RequestKind,
    options: RequestOptions,
    send: (correlationId: string) => Promise<void>,
    receive: (envelope: Envelope) => boolean,
  ): Promise<void> {
    const id = version === 'QMFv1' ? this.#sequenceV1() : randomUUID();
    const timeout = options.timeout ?? DEFAULT_REQUEST_TIMEOUT;
    const progress: { state: 'unsent' | 'sent' | 'refused' | 'answered' } = { state: 'unsent' };
    const limits = { timeout, signal: options.signal };
    const answered = wait<undefined>(what, limits, (resolve, reject) => {
      const key = version === 'QMFv1' ? keyOfV1(id) : id;
      const take = (envelope: Envelope): boolean => {
        progress.state = 'answered';
        return receive(envelope);
      };
      this.#pending.set(key, {
        agent,
        hasAlias,
        receive: take,
        succeed: () => resolve(undefined),
        fail: reject,
      });
      const cleanUp = () => this.#pending.delete(key);
      try {
        const sending = send(id);
        progress.state = 'sent';
        sending.catch((error: unknown) => {
          const failure = QmfError.from(error, 'connection_lost');
          if (neverArrived.has(failure.code)) progress.state = 'refused';
          reject(failure);
        });
      } catch (error) {
        reject(QmfError.from(error, 'not_encodable')); // the body could not be made, or there is no connection
      }
      return cleanUp;
    });
    await answered.catch((error: unknown) => {
      const failure = QmfError.from(error, 'connection_lost');
      throw isCall && progress.state === 'sent' ? failure.maybeExecuted() : failure;
    });
  }

  /** QMFv1 has room for 32 bits alone. */
  #sequenceV1(): string {
    for (;;) {
      const sequence = String(randomInt(1, 0xffff_ffff));
      if (!this.#pending.has(keyOfV1(sequence))) return sequence;
    }
  }

  /** Gives an answer to its request; false if no request waits for it (any more), or another agent was asked. */
  answer(envelope: Envelope): boolean {
    return this.#answer(correlationText(envelope), envelope);
  }

  /** The same for QMFv1, whose answers carry a sequence number instead of a correlation id. */
  answerV1(sequence: number, envelope: Envelope): boolean {
    return this.#answer(keyOfV1(String(sequence)), envelope);
  }

  #answer(key: string | undefined, envelope: Envelope): boolean {
    const pending = key === undefined ? undefined : this.#pending.get(key);
    if (pending === undefined || !isFrom(pending, envelope)) return false;
    try {
      if (pending.receive(envelope)) pending.succeed();
    } catch (error) {
      pending.fail(QmfError.from(error, 'malformed_message'));
    }
    return true;
  }

  /** Fails all requests, or those to one agent. */
  failAll(error: QmfError, agent?: string): void {
    for (const pending of [...this.#pending.values()]) {
      if (agent === undefined || pending.agent === agent) pending.fail(error);
    }
  }
}

/** With these codes from the broker or the transport the request has reached no agent. */
const neverArrived: ReadonlySet<QmfErrorCode> = new Set([
  'message_released',
  'message_rejected',
  'address_refused',
  'not_encodable',
  'outbox_full',
]);

/** Kept apart, so that no answer of one version is taken for the other's. */
function keyOfV1(sequence: string): string {
  return `QMFv1 ${sequence}`;
}

/** The broker's agent may answer under its alias, and QMFv1 answers name no sender (§9.22). */
function isFrom({ agent, hasAlias }: Pending, envelope: Envelope): boolean {
  const sender = agentOf(envelope.headers);
  return sender === undefined || sender === agent || (hasAlias && sender === BROKER_KEY);
}
