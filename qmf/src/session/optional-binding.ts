import type { BusConnection } from '../connection/bus-connection.js';
import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import type { Binding, Peer } from '../transport/transport.js';

/** A key, and where its messages go. */
export interface Listening {
  readonly binding: Binding;
  /** Must not throw. */
  readonly deliver: (envelope: Envelope) => void;
}

export interface OptionalBindingParts {
  /** What to listen to at this broker; undefined where it has nothing of the kind. */
  readonly listenAt: (peer: Peer) => Listening | undefined;
  /** The key is in place on one more connection; the first answer is one that {@link OptionalBinding.ready} waits for. */
  readonly onBound?: (isFirstAnswer: boolean) => void;
  readonly onRefused: (reason: QmfError) => void;
}

/** Connections lost over the question, after which it is not asked any more. */
const MOST_LOST = 2;

/**
 * Listens to a key where the broker allows it, without which a session works too. The key is asked for once on each connection, after those
 * that the session needs: the next one may be another broker's. A refusal costs nothing.
 */
export class OptionalBinding {
  readonly #statuses: AsyncIterableIterator<{ readonly kind: string; readonly peer?: Peer }>;
  #unbind: () => void = () => undefined;
  /** Counts connections, so that what was begun on one of them does not go on at the next. */
  #present = 0;
  /** Connections that were lost while the broker was asked: it may have been the answer, so it is not asked again and again. */
  #lost = 0;
  #asking = false;
  /** Ends {@link ready}; undefined once it has ended. */
  #begin: (() => void) | undefined;
  /** Resolves when the broker that is connected, if any, has answered the first time. */
  readonly ready: Promise<void>;

  constructor(
    private readonly connection: BusConnection,
    private readonly parts: OptionalBindingParts,
  ) {
    this.ready = new Promise(resolve => {
      this.#begin = resolve;
    });
    if (connection.state !== 'open') this.#end();
    this.#statuses = connection.status();
    void this.#follow();
  }

  close(): void {
    this.#end();
    void this.#statuses.return?.();
    this.#leave();
  }

  #end(): void {
    this.#begin?.();
    this.#begin = undefined;
  }

  async #follow(): Promise<void> {
    for await (const { kind, peer } of this.#statuses) {
      this.#leave();
      if (kind === 'open' && peer !== undefined && this.#lost < MOST_LOST)
        void this.#listen(this.parts.listenAt(peer));
    }
  }

  #leave(): void {
    this.#present++;
    if (this.#asking) this.#lost++;
    this.#asking = false;
    this.#unbind();
    this.#unbind = () => undefined;
  }

  async #listen(listening: Listening | undefined): Promise<void> {
    if (listening === undefined) {
      this.#end();
      return;
    }
    const present = this.#present;
    this.#asking = true;
    let hasAnswered = true;
    try {
      const unbind = await this.connection.bindHere(listening.binding, listening.deliver);
      if (this.#present !== present) {
        unbind();
        return;
      }
      this.#unbind = unbind;
      this.parts.onBound?.(this.#begin !== undefined);
    } catch (error) {
      const reason = QmfError.from(error, 'address_refused');
      hasAnswered = reason.code !== 'connection_lost'; // else the next status counts it
      this.parts.onRefused(reason);
    } finally {
      if (this.#present === present && hasAnswered) this.#asking = false;
      this.#end();
    }
  }
}
