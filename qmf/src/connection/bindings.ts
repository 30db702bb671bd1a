import { QmfError } from '../errors.js';
import type { Envelope } from '../message/envelope.js';
import type { Binding, Wire } from '../transport/transport.js';

interface Bound {
  readonly binding: Binding;
  readonly deliver: (envelope: Envelope) => void;
  /** The wire that it was last asked for on, and how to take it off there. */
  wire: Wire | undefined;
  release: (() => void) | undefined;
}

/** The keys that are listened to, on whatever wire there is. */
export class Bindings {
  readonly #bound = new Set<Bound>();

  /**
   * Adds a key, and puts it on the wire if there is one; the result takes it away again.
   *
   * @throws QmfError when the broker refuses the address; the key is forgotten then
   */
  async add(
    binding: Binding,
    deliver: (envelope: Envelope) => void,
    wire: Wire | undefined,
  ): Promise<() => void> {
    const bound: Bound = { binding, deliver, wire: undefined, release: undefined };
    this.#bound.add(bound);
    const unbind = (): void => {
      this.#bound.delete(bound);
      bound.release?.();
      bound.release = undefined;
    };
    if (wire === undefined) return unbind; // put in place when there is one
    try {
      await this.#place(wire, bound);
    } catch (error) {
      const failure = QmfError.from(error, 'connection_lost');
      if (failure.retryable) return unbind; // the wire broke; the next one gets the binding
      this.#bound.delete(bound);
      throw failure;
    }
    return unbind;
  }

  /**
   * Puts all keys on a new wire, also those added meanwhile; calls `placed` in the moment in which none is left, so that no
   * other can come in between.
   */
  async placeAll(wire: Wire, placed: () => void): Promise<void> {
    for (;;) {
      const missing = [...this.#bound].filter(bound => bound.wire !== wire);
      if (missing.length === 0) break;
      await Promise.all(missing.map(bound => this.#place(wire, bound)));
    }
    placed();
  }

  async #place(wire: Wire, bound: Bound): Promise<void> {
    bound.wire = wire;
    bound.release = undefined;
    const release = await wire.bind(bound.binding, bound.deliver);
    // Given up while the broker was still at it, or the answer of a wire that is no longer in use.
    if (!this.#bound.has(bound) || bound.wire !== wire) release();
    else bound.release = release;
  }
}
