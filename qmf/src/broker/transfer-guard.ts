import type { AmqpError } from 'rhea';
import { abandonDelivery } from '../rhea/raw-deliveries.js';
import { FrameError } from './frame-error.js';
import { ownBytes } from './message.js';
import type { Share } from './quota.js';
import type { IncomingInternals, LinkInternals, TransferFrame } from './rhea-internals.js';

export interface TransferLimits {
  /** The longest message taken, in bytes. */
  readonly maxMessageSize: number;
  /** What the client may hold of messages that are not complete. */
  readonly partialBytes: Share;
}

/** Bytes that one frame of an incomplete message costs beside its payload. */
const frameOverhead = 256;

/**
 * Counts what incomplete messages take, and refuses those beyond the limits by ending their link. Handles aborted ones, which rhea
 * would deliver as if complete.
 */
export class TransferGuard {
  readonly #partial = new Map<LinkInternals, number>();
  /** Bytes that came for links which were ended here, until the peer has detached them too. */
  readonly #ended = new Map<LinkInternals, number>();
  #closed = false;

  constructor(
    incoming: IncomingInternals,
    private readonly limits: TransferLimits,
    private readonly endLink: (link: LinkInternals, error: AmqpError) => void,
  ) {
    const original = incoming.on_transfer.bind(incoming);
    incoming.on_transfer = (frame, link) => {
      if (this.#admit(frame, link)) original(frame, link);
      else incoming.next_transfer_id++;
    };
  }

  /** A link has gone, and with it what it had begun. */
  forget(link: LinkInternals): void {
    this.limits.partialBytes.give(this.#partial.get(link) ?? 0);
    this.#partial.delete(link);
  }

  /** The peer has detached the link. */
  detached(link: LinkInternals): void {
    this.forget(link);
    this.#ended.delete(link);
  }

  /** The session has gone, or was ended by the broker; transfers that still come are dropped. */
  close(): void {
    this.#closed = true;
    for (const link of [...this.#partial.keys()]) this.forget(link);
    this.#ended.clear();
  }

  #admit(frame: TransferFrame, link: LinkInternals): boolean {
    const straggling = this.#ended.get(link) ?? (this.#closed ? 0 : undefined);
    if (straggling !== undefined) {
      this.#straggle(frame, link, straggling);
      return false;
    }
    const begun = link._incomplete !== undefined;
    if (!begun && link.credit <= 0) throw new FrameError('a transfer without credit');
    if (frame.performative.aborted === true) {
      this.forget(link);
      abandonDelivery(link);
      return false;
    }
    if (frame.payload === undefined) throw new FrameError('a transfer without payload');
    const cost = frame.payload.length + frameOverhead;
    const before = this.#partial.get(link) ?? 0;
    const error = this.#refusal(before + cost, cost, begun || frame.performative.more === true);
    if (error !== undefined) {
      this.forget(link);
      abandonDelivery(link);
      this.#ended.set(link, 0);
      this.endLink(link, error);
      return false;
    }
    if (frame.performative.more === true) {
      frame.payload = ownBytes(frame.payload);
      this.limits.partialBytes.add(cost);
      this.#partial.set(link, before + cost);
    } else {
      this.forget(link);
    }
    return true;
  }

  #refusal(size: number, added: number, isPart: boolean): AmqpError | undefined {
    const { maxMessageSize, partialBytes } = this.limits;
    if (size - frameOverhead > maxMessageSize) {
      return {
        condition: 'amqp:link:message-size-exceeded',
        description: `A message has at most ${maxMessageSize} bytes, each of its frames counting for ${frameOverhead} more`,
      };
    }
    if (!isPart || partialBytes.fits(added)) return undefined;
    return {
      condition: 'amqp:resource-limit-exceeded',
      description: 'Too many messages of this client are incomplete: send one after the other',
    };
  }

  #straggle({ payload }: TransferFrame, link: LinkInternals, before: number): void {
    const bytes = before + (payload?.length ?? 0) + frameOverhead;
    if (bytes > 2 * this.limits.maxMessageSize) throw new FrameError('transfers on a link that was ended');
    this.#ended.set(link, bytes);
  }
}
