import rhea, { type Receiver, type Session } from 'rhea';
import { decodeBareMessage } from '../../codec/amqp10-message.js';
import { QmfError } from '../../errors.js';
import type { Envelope } from '../../message/envelope.js';
import { isConfirmed, on } from '../../rhea/events.js';
import type { Binding } from '../transport.js';
import { linkError } from './conditions.js';
import { fromBareMessage } from './envelopes.js';

/** Descriptors of the subject filters that qpidd defined and others took over (wire document §1.5). */
const DIRECT_BINDING = 0x468c00000000;
const TOPIC_BINDING = 0x468c00000001;

export interface ReceiverEvents {
  deliver(envelope: Envelope): void;
  /** A message that could not be decoded; it is dropped. */
  malformed(error: QmfError): void;
  /** The broker took the link away after it was open. */
  ended(error: QmfError): void;
}

/**
 * Attaches a receiver for one binding; one link holds one binding on qpidd. Resolves once the broker has confirmed it, with
 * the function that detaches it.
 */
export function openReceiver(
  session: Session,
  binding: Binding,
  name: string,
  events: ReceiverEvents,
): Promise<() => void> {
  const pattern = binding.exchangeType === 'topic' && /[*#]/.test(binding.key);
  const receiver = session.open_receiver({
    name,
    // What cannot be decoded is taken off the queue all the same, so accepting is left to rhea.
    source: {
      address: binding.exchange,
      filter: {
        'subject-filter': rhea.types.wrap_described(
          binding.key,
          pattern ? TOPIC_BINDING : DIRECT_BINDING,
        ) as unknown as object, // rhea's typings know no described values
      },
      ...(binding.create ? creation(binding) : {}),
    },
  });
  on(receiver, 'message', ({ message }) => {
    if (!Buffer.isBuffer(message)) return; // cannot be: the session delivers bytes
    let envelope: Envelope;
    try {
      envelope = fromBareMessage(decodeBareMessage(message), binding.exchange);
    } catch (error) {
      events.malformed(QmfError.from(error, 'malformed_message'));
      return;
    }
    events.deliver(envelope);
  });
  return confirmed(receiver, binding, events);
}

/** Asks for the exchange to be made; only for domains other than `default`, whose exchanges have types of their own. */
function creation(binding: Binding): object {
  return {
    capabilities: ['create-on-demand', 'topic'],
    dynamic_node_properties: { 'exchange-type': binding.exchangeType },
  };
}

function confirmed(receiver: Receiver, binding: Binding, events: ReceiverEvents): Promise<() => void> {
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
      });
    });
    const end = () => {
      if (state === 'ended') return;
      const error = linkError(what, receiver.error);
      const wasOpen = state === 'open';
      state = 'ended';
      if (wasOpen) events.ended(error);
      else reject(error);
    };
    on(receiver, 'receiver_error', end);
    on(receiver, 'receiver_close', end);
  });
}
