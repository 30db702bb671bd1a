import type { BodyForm, Envelope } from '../message/envelope.js';
import type { QmfError } from '../errors.js';
import type { UserIds } from '../message/user-ids.js';

/**
 * A way to a broker. A transport dials once; reconnecting, failover and waiting are the business of `connection/`, so that all
 * transports share one behaviour.
 */
export interface Transport {
  /** Where it dials, for people; never with a password. */
  readonly description: string;
  /** The form of broadcasts, where it is known before there is a connection; see {@link Wire.bodyForm}. */
  readonly bodyForm?: BodyForm | undefined;
  /**
   * Opens a connection.
   *
   * @throws QmfError `unreachable`, `not_authorised`, or `aborted` when the signal fires first.
   */
  dial(signal: AbortSignal): Promise<Wire>;
}

/** What a broker tells of itself when a connection opens. */
export interface Peer {
  readonly product?: string;
  readonly version?: string;
  /** Whether it says that it compares user ids with the user who logged in; the embedded broker says so where it has users. */
  readonly checksUserIds?: boolean;
}

/** One open connection to a broker. When it ends, it stays ended. */
export interface Wire {
  readonly peer: Peer;
  /** The form in which broadcasts reach most consoles of this broker (wire document §2.4). */
  readonly bodyForm: BodyForm;
  /** How far the user ids of messages that come over it can be relied on. */
  readonly userIds: UserIds;
  /**
   * Receives what the exchange routes to the key, until the result is called. `deliver` must not throw.
   *
   * @throws QmfError `address_refused` or `connection_lost`
   */
  bind(binding: Binding, deliver: (envelope: Envelope) => void): Promise<() => void>;
  /**
   * Sends a message and waits for the broker's word on it.
   *
   * @throws QmfError `message_released`, `message_rejected`, `address_refused`, `not_encodable`, `outbox_full`,
   *   or `connection_lost` when it is not known whether the message arrived; then the connection ends as a whole.
   */
  send(envelope: Envelope): Promise<void>;
  /**
   * Puts each binding in place anew that may be gone: a broker says nothing to a listener when an exchange is deleted and made again by
   * somebody else, or when a binding is removed. Nothing is received twice for it. Never rejects; a binding that is refused ends the
   * connection with `connection_lost`, as the next one finds out more.
   */
  renewBindings?(): Promise<void>;
  /** Has `listener` called with each message that comes and cannot be decoded; it is dropped. The last listener counts. */
  onMalformed?(listener: (error: QmfError) => void): void;
  /** Settles when the connection has ended: with the reason, or with nothing after {@link close}. Never rejects. */
  readonly closed: Promise<QmfError | undefined>;
  /** Ends the connection in an orderly way; what is still unsettled fails. Never rejects. */
  close(): Promise<void>;
}

/** A routing key that a party listens to. */
export interface Binding {
  readonly exchange: string;
  readonly exchangeType: 'topic' | 'direct';
  readonly key: string;
  /** Ask the broker to make the exchange if it isn't there: for QMF domains other than `default` (§1.5). */
  readonly create: boolean;
  /** Messages that may be on their way to us, where the protocol bounds them; default 1,000. What is beyond waits at the broker. */
  readonly readAhead?: number;
}
