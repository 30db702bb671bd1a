import type { Receiver, Session } from 'rhea';

/** Any message-format but 0 makes rhea hand over a payload as it came; the high bytes mark it as ours. */
const UNDECODED = 0x7f_51_4d_46;

/** The one internal of rhea that we rely on: where a session takes transfers in. */
interface IncomingTransfers {
  on_transfer(
    frame: { readonly performative: { message_format?: number | undefined } },
    receiver: Receiver,
  ): void;
}

/**
 * Makes a session deliver messages as bytes: `context.message` of its receivers' `message` events is then a Buffer.
 *
 * rhea's own decoder throws in the middle of the connection's input for any malformed body, which costs the connection, and
 * loses types that QMF needs (wire document §4.9). It decodes only messages of format 0, so transfers are marked with another.
 */
export function deliverRaw(session: Session): void {
  // Not in rhea's typings; checked against rhea 3.0 by raw-deliveries.test.ts.
  const incoming = (session as unknown as { incoming: IncomingTransfers }).incoming;
  const original = incoming.on_transfer.bind(incoming);
  incoming.on_transfer = (frame, receiver) => {
    frame.performative.message_format = UNDECODED;
    original(frame, receiver);
  };
}
