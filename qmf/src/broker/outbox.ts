import type { PeerSocket } from './peer-socket.js';
import type { LinkInternals, SessionInternals } from './rhea-internals.js';
import { transferOverhead, writeTransferHead } from './transfer-frame.js';

type State =
  | { readonly at: 'ready' }
  /** The peer's session window closed in the middle of a message, or it reads too slowly; nothing else can be sent before its rest. */
  | {
      readonly at: 'mid-message';
      readonly link: LinkInternals;
      readonly bytes: Buffer;
      readonly deliveryId: number;
      readonly settled: boolean;
      readonly sent: number;
      readonly onWhole: () => void;
    };

const scratch = Buffer.alloc(transferOverhead);

/**
 * Sends the deliveries of one session. rhea's own outgoing half is left idle but its counters are kept, since its flow frames
 * carry them: it keeps every delivery in a ring of 2048, stops all links of a session when one has no credit, and counts credit
 * down only later, none of which a broker can afford.
 */
export class Outbox {
  #state: State = { at: 'ready' };

  constructor(
    private readonly session: SessionInternals,
    private readonly socket: PeerSocket,
    private readonly maxFrameSize: () => number,
  ) {}

  /** Whether a delivery can be sent now, as far as session and socket are concerned. */
  get ready(): boolean {
    return (
      this.#state.at === 'ready' && !this.socket.congested && this.session.outgoing.transfer_window() > 0
    );
  }

  /** Whether the rest of a message waits. */
  get isMidMessage(): boolean {
    return this.#state.at === 'mid-message';
  }

  /**
   * Sends a message on a link that has credit; only while `ready`. Gives the delivery id.
   *
   * @param onWhole called when the rest of it is out, if some had to wait; not after {@link forget}
   */
  send(link: LinkInternals, bytes: Buffer, settled: boolean, onWhole: () => void): number {
    const { outgoing } = this.session;
    const deliveryId = outgoing.next_delivery_id;
    outgoing.next_delivery_id = (deliveryId + 1) >>> 0;
    outgoing.next_pending_delivery = outgoing.next_delivery_id;
    link.credit--;
    link.delivery_count = (link.delivery_count + 1) >>> 0;
    this.#transfer({ at: 'mid-message', link, bytes, deliveryId, settled, sent: 0, onWhole });
    return deliveryId;
  }

  /** The peer may be able to take more: sends the rest of a message if one is under way. */
  resume(): void {
    if (this.#state.at === 'mid-message') this.#transfer(this.#state);
  }

  /** The link goes away; the rest of its message can't be sent any more. */
  forget(link: LinkInternals): void {
    if (this.#state.at === 'mid-message' && this.#state.link === link) this.#state = { at: 'ready' };
  }

  #transfer(message: State & { at: 'mid-message' }): void {
    const { outgoing, local } = this.session;
    const { link, bytes, deliveryId, settled, onWhole } = message;
    const room = this.maxFrameSize() - transferOverhead;
    let { sent } = message;
    do {
      // What waits for a slow peer is a frame more than its socket may hold, and never a whole message.
      if (outgoing.transfer_window() <= 0 || this.socket.congested) {
        this.#state = { ...message, sent };
        return;
      }
      const end = Math.min(sent + room, bytes.length);
      const more = end < bytes.length;
      const head = writeTransferHead(
        scratch,
        { channel: local.channel, handle: link.local.handle, deliveryId, settled, more },
        end - sent,
      );
      this.socket.writePart(scratch, 0, head);
      this.socket.writePart(bytes, sent, end);
      outgoing.next_transfer_id = (outgoing.next_transfer_id + 1) >>> 0;
      sent = end;
    } while (sent < bytes.length);
    const hasWaited = this.#state.at === 'mid-message';
    this.#state = { at: 'ready' };
    if (hasWaited) onWhole();
  }
}
