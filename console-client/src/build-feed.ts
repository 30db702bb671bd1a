import type { ConsoleSession, DataAddress } from '@imagefactory/qmf';
import { type AddressedChange, type BuildChange, changeOf } from './build-change.js';

type Listener = (change: BuildChange, at: bigint) => void;

/** Changes that are kept for builds without a name; what goes is asked for later. */
const UNCLAIMED_LIMIT = 10_000;

/**
 * Sorts the session's events by build. While a call is under way whose build has no name yet, changes are kept: the first
 * events of a build may overtake the answer that names it, since they come by different queues.
 */
export class BuildFeed {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #closing = new Set<() => void>();
  #unclaimed: AddressedChange[] = [];
  #expecting = 0;
  readonly #stop: () => void;

  /** @param silence milliseconds after which a build that nothing was heard of is asked how it stands */
  constructor(
    session: ConsoleSession,
    readonly silence: number,
  ) {
    this.#stop = session.onEvent(event => {
      const addressed = changeOf(event);
      if (addressed === undefined) return;
      const listeners = this.#listeners.get(keyOf(addressed.address));
      if (listeners !== undefined) {
        for (const listener of [...listeners]) listener(addressed.change, addressed.at);
      }
      if (this.#expecting > 0 && this.#unclaimed.length < UNCLAIMED_LIMIT) this.#unclaimed.push(addressed);
    });
  }

  /** Keeps changes from now until `call` has settled; it may {@link claim} those of the build that it learned of. */
  async expect<T>(call: () => Promise<T>): Promise<T> {
    this.#expecting++;
    try {
      return await call();
    } finally {
      if (--this.#expecting === 0) this.#unclaimed = [];
    }
  }

  /** Hands over what was kept of a build. */
  claim(address: DataAddress): readonly AddressedChange[] {
    const key = keyOf(address);
    return this.#unclaimed.filter(kept => keyOf(kept.address) === key);
  }

  /** Calls `listener` with every change of a build; the result unsubscribes. */
  listen(address: DataAddress, listener: Listener): () => void {
    const key = keyOf(address);
    const listeners = this.#listeners.get(key) ?? new Set<Listener>();
    this.#listeners.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(key);
    };
  }

  /** Calls `listener` when nothing will come any more; the result unsubscribes. */
  onClose(listener: () => void): () => void {
    this.#closing.add(listener);
    return () => this.#closing.delete(listener);
  }

  close(): void {
    this.#stop();
    for (const listener of [...this.#closing]) listener();
  }
}

/** Names a build: its agent and its adaptor; the epoch says nothing more, since adaptors' names are never used again. */
export function keyOf({ agentName, objectName }: DataAddress): string {
  return `${agentName}\n${objectName}`;
}
