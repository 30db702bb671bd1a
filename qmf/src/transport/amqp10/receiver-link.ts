import type { Receiver, Session } from 'rhea';
import { type BareMessage, decodeBareMessage } from '../../codec/amqp10-message.js';
import { QmfError } from '../../errors.js';
import type { Envelope } from '../../message/envelope.js';
import type { UserIds } from '../../message/user-ids.js';
import { keepCredit } from '../../rhea/credit.js';
import { isConfirmed, on } from '../../rhea/events.js';
import type { Binding } from '../transport.js';
import { isGone, linkError } from './conditions.js';
import type { Dialect, SourceTerminus } from './dialects/index.js';
import { fromBareMessage } from './envelopes.js';

/** Messages, see {@link Binding.readAhead}. */
const defaultReadAhead = 1_000;

export interface ReceiverEvents {
  /** How far the user ids of messages can be relied on. */
  readonly userIds: UserIds;
  deliver(envelope: Envelope, message: BareMessage): void;
  /** A message that could not be decoded; it is dropped. */
  malformed(error: QmfError): void;
  /** The broker took the link away after it was open. */
  ended(error: QmfError): void;
}

/**
 * Attaches a receiver for one binding. Resolves once the broker has confirmed it, with the function that detaches it.
 *
 * @param queue name of the link, and of the queue where a dialect makes one
 */
export function openReceiver(
  session: Session,
  binding: Binding,
  queue: string,
  dialect: Dialect,
  events: ReceiverEvents,
): Promise<() => void> {
  const source: SourceTerminus = dialect.source(binding, queue);
  // What cannot be decoded is taken off the queue all the same, so accepting is left to rhea. Its typings want lists that can change.
  const receiver = session.open_receiver({
    name: queue,
    source: { ...source, capabilities: [...(source.capabilities ?? [])] },
    credit_window: 0,
  });
  keepCredit(receiver, binding.readAhead ?? defaultReadAhead);
  on(receiver, 'message', ({ message }) => {
    if (!Buffer.isBuffer(message)) return; // cannot be: the session delivers bytes
    // What was on its way when the binding was given up.
    if (!receiver.is_open()) return;
    let envelope: Envelope;
    let bare: BareMessage;
    try {
      bare = decodeBareMessage(message, { textUserId: dialect.textUserId === true });
      envelope = fromBareMessage(dialect.received?.(bare) ?? bare, binding.exchange, dialect, events.userIds);
    } catch (error) {
      events.malformed(QmfError.from(error, 'malformed_message'));
      return;
    }
    events.deliver(envelope, bare);
  });
  return confirmed(receiver, session, binding, dialect, events);
}

function confirmed(
  receiver: Receiver,
  session: Session,
  binding: Binding,
  dialect: Dialect,
  events: ReceiverEvents,
): Promise<() => void> {
  const what = `listening to ${binding.exchange} for ${binding.key}`;
  return new Promise((resolve, reject) => {
    let state: 'attaching' | 'open' | 'ended' = 'attaching';
    on(receiver, 'receiver_open', () => {
      if (state !== 'attaching' || !isConfirmed(receiver.source)) return;
      state = 'open';
      resolve(() => {
        if (state !== 'open') return;
        state = 'ended';
        receiver.close();
        if (dialect.refusesBySession) session.close();
      });
    });
    const end = () => {
      if (state === 'ended') return;
      const error = explained(linkError(what, receiver.error ?? session.error), receiver, binding, dialect);
      const wasOpen = state === 'open';
      state = 'ended';
      if (wasOpen) events.ended(error);
      else reject(error);
    };
    on(receiver, 'receiver_error', end);
    on(receiver, 'receiver_close', end);
    if (!dialect.refusesBySession) return; // then the session is everybody's, and the wire's to watch
    on(session, 'session_error', end);
    on(session, 'session_close', end);
  });
}

/** qpidd has QMF's exchanges from its management, which can be switched off. */
function explained(
  error: QmfError,
  receiver: Receiver,
  { exchange, exchangeType }: Binding,
  { name }: Dialect,
): QmfError {
  if (name !== 'qpidd' || !isGone(receiver.error)) return error;
  return new QmfError(error.code, error.message, {
    cause: error,
    remedy: `the exchange ${exchange} is missing: start qpidd with its management (--mgmt-enable yes), or make the exchange (qpid-config add exchange ${exchangeType} ${exchange})`,
  });
}
