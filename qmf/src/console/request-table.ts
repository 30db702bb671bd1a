import { wait } from '../connection/signals.js';
import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import { textOf } from '../value/text.js';
import { Int } from '../value/value.js';

/** Limits of a request. */
export interface RequestOptions {
  /** Milliseconds; default 60 000 as in C++. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const DEFAULT_REQUEST_TIMEOUT = 60_000;

interface Pending {
  readonly agent: string;
  /** Gets each answer; returns true when it was the last. May throw, which fails the request. */
  readonly receive: (envelope: Envelope) => boolean;
  readonly succeed: () => void;
  readonly fail: (error: QmfError) => void;
}

/** Requests that wait for answers, by correlation id. Each is answered, fails, or meets its deadline. */
export class RequestTable {
  readonly #pending = new Map<string, Pending>();
  #next = 1;

  get size(): number {
    return this.#pending.size;
  }

  /**
   * Sends a request and feeds its answers to `receive` until that says it was the last.
   *
   * @param send hands the request to the bus under the given correlation id
   */
  request(
    what: string,
    agent: string,
    options: RequestOptions,
    send: (correlationId: string) => Promise<void>,
    receive: (envelope: Envelope) => boolean,
  ): Promise<void> {
    // Decimal text within 32 bits: C++ agents' consoles parse it so, and Python wants an integer back (wire document §2.1).
    const id = String(this.#next);
    this.#next = this.#next >= 0xffff_fffe ? 1 : this.#next + 1;
    const timeout = options.timeout ?? DEFAULT_REQUEST_TIMEOUT;
    return wait<undefined>(what, { timeout, signal: options.signal }, (resolve, reject) => {
      this.#pending.set(id, { agent, receive, succeed: () => resolve(undefined), fail: reject });
      const cleanUp = () => this.#pending.delete(id);
      try {
        send(id).catch((error: unknown) => reject(QmfError.from(error, 'connection_lost')));
      } catch (error) {
        reject(QmfError.from(error, 'not_encodable')); // the body could not be made
      }
      return cleanUp;
    });
  }

  /** Gives an answer to its request; false when nobody waits for it (any more). */
  answer(envelope: Envelope): boolean {
    const id = correlationText(envelope);
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (pending === undefined) return false;
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

/** qpidd turns ids of other types into text on the way to 0-10 and back, so text is what is compared (§2.3). */
export function correlationText({ correlationId }: Envelope): string | undefined {
  if (correlationId instanceof Int) return correlationId.toString();
  if (correlationId === undefined || typeof correlationId === 'string') return correlationId;
  return correlationId instanceof Uint8Array ? textOf(correlationId) : correlationId.toString();
}
