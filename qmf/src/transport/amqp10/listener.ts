import type { BareMessage } from '../../codec/amqp10-message.js';
import type { Envelope } from '../../message/envelope.js';
import type { Binding } from '../transport.js';
import { Overlap } from './overlap.js';

/** Takes what comes by a link. */
export type Take = (envelope: Envelope, message: BareMessage) => void;

/** Attaches a link for a binding; resolves with the function that detaches it. */
export type OpenLink = (binding: Binding, take: Take) => Promise<() => void>;

/**
 * What is received for one binding. A broker leaves a link alone when the binding behind it is gone, so after a silence the link is
 * replaced by another, with a binding of its own.
 */
export class Listener {
  readonly binding: Binding;
  readonly #deliver: (envelope: Envelope) => void;
  readonly #open: OpenLink;
  #detach: (() => void) | undefined;
  /** Number of the last link. */
  #newest = 0;
  /** Of the last replacement, as long as copies may come. */
  #overlap: Overlap | undefined;
  #hasHeard = false;
  #isClosed = false;

  constructor(binding: Binding, deliver: (envelope: Envelope) => void, open: OpenLink) {
    this.binding = binding;
    this.#deliver = deliver;
    this.#open = open;
  }

  /** @throws QmfError as {@link OpenLink} */
  async start(): Promise<void> {
    this.#keep(await this.#attach(this.#newest));
  }

  close(): void {
    this.#isClosed = true;
    this.#detach?.();
    this.#detach = undefined;
  }

  /** Whether nothing was heard since the last call. Not while the link is replaced. */
  wasSilent(): boolean {
    const wasSilent = !this.#hasHeard && !this.#isClosed;
    this.#hasHeard = false;
    this.#overlap = undefined;
    return wasSilent;
  }

  /**
   * Replaces the link. Both are there for a while, so that what was routed to the first alone arrives before it is detached.
   *
   * @param rest settles when the first link may go
   * @throws QmfError as {@link OpenLink}; the first link stays then
   */
  async renew(rest: () => Promise<void>): Promise<void> {
    const overlap = new Overlap();
    this.#overlap = overlap;
    this.#newest++;
    let attached: () => void;
    try {
      attached = await this.#attach(this.#newest);
    } catch (error) {
      this.#newest--;
      this.#overlap = undefined;
      throw error;
    }
    await rest();
    overlap.end();
    this.#detach?.();
    this.#keep(attached);
  }

  #attach(number: number): Promise<() => void> {
    return this.#open(this.binding, (envelope, message) => {
      const side = number === this.#newest ? 'after' : 'before';
      if (this.#overlap?.isNew(side, message) === false) return;
      this.#hasHeard = true;
      this.#deliver(envelope);
    });
  }

  #keep(detach: () => void): void {
    if (this.#isClosed) detach();
    else this.#detach = detach;
  }
}
