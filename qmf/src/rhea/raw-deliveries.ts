import type { Receiver, Session } from 'rhea';

/** Any message-format but 0 makes rhea hand over a payload as it came; the high bytes mark it as ours. */
const UNDECODED = 0x7f_51_4d_46;

const nothing = Buffer.alloc(0);

interface TransferFrame {
  readonly performative: { message_format?: number | undefined; readonly aborted?: unknown };
  payload?: Buffer | undefined;
}

/** The internals of rhea that we rely on: where a session takes transfers in, and what a link keeps of an unfinished one. */
interface IncomingTransfers {
  next_transfer_id: number;
  on_transfer(frame: TransferFrame, receiver: Receiver): void;
}
export interface UnfinishedDelivery {
  _incomplete?: { settled: boolean } | undefined;
  credit: number;
  delivery_count: number;
  readonly connection: { _register(): void };
}

/**
 * Makes a session deliver messages as bytes: `context.message` of its receivers' `message` events is then a Buffer.
 *
 * rhea's own decoder throws in the middle of the connection's input for any malformed body, which costs the connection, and
 * loses types that QMF needs (wire document §4.9). It decodes only messages of format 0, so transfers are marked with another.
 * rhea would also deliver an aborted message as if it were whole, and fail over a frame without payload, which is allowed.
 */
export function deliverRaw(session: Session): void {
  // Not in rhea's typings; checked against rhea 3.0 by raw-deliveries.test.ts.
  const incoming = (session as unknown as { incoming: IncomingTransfers }).incoming;
  const original = incoming.on_transfer.bind(incoming);
  incoming.on_transfer = (frame, receiver) => {
    if (frame.performative.aborted === true) {
      incoming.next_transfer_id++;
      abandonDelivery(receiver as unknown as UnfinishedDelivery);
      return;
    }
    frame.performative.message_format = UNDECODED;
    frame.payload ??= nothing;
    original(frame, receiver);
  };
}

/** Forgets the message that a link has the beginning of; it used up credit all the same. */
export function abandonDelivery(link: UnfinishedDelivery): void {
  if (link._incomplete === undefined) return;
  link._incomplete.settled = true;
  link._incomplete = undefined;
  link.credit--;
  link.delivery_count++;
  link.connection._register();
}
