/** What the broker says as it ends something: an AMQP error condition such as `amqp:link:detach-forced`, and a text for people. */
export interface SaidError {
  readonly condition: string;
  readonly description?: string;
}

/** What can be done to one message on its way in. */
export type PublishFault =
  | 'none'
  /** Accepted and thrown away. */
  | 'drop'
  /** Outcome `released`, as from a full queue. */
  | 'release'
  /** Outcome `rejected`. */
  | 'reject'
  /** Outcome `modified`: not now. */
  | 'modify'
  /** Routed, and nothing said of it. */
  | 'never-settle'
  /** Neither routed nor answered. */
  | 'swallow'
  /** Routed twice. */
  | 'duplicate'
  /** The socket is cut off, as by a crash; the message is lost. */
  | 'cut'
  | { readonly do: 'reject'; readonly error: SaidError }
  | { readonly do: 'modify'; readonly undeliverableHere: boolean }
  /** Routed and answered so much later. */
  | { readonly do: 'delay'; readonly milliseconds: number }
  /** The link, its session or the whole connection is ended; the message is lost. Without an error: without a word of why. */
  | { readonly do: 'detach' | 'end-session' | 'close'; readonly error?: SaidError };

/** What can be done to one link that a peer attaches. */
export interface AttachFault {
  readonly do: 'refuse';
  readonly error: SaidError;
}

/** What can be done to one message on its way out. */
export type DeliverFault =
  /** Never sent; as far as the queue knows it is with the receiver. */
  | 'drop'
  /** Sent twice. */
  | 'duplicate'
  /** It, and what is behind it in its queue, waits so long. */
  | { readonly do: 'delay'; readonly milliseconds: number };

/** What can be done to one connection that comes in. */
export type ConnectFault =
  /** Reset before a word is said. */
  | 'cut'
  /** Accepted by the system, and never answered. */
  | 'ignore'
  /** Opened, and closed in the same breath. */
  | { readonly do: 'close'; readonly error?: SaidError };

/** What a fault switch sees of a message. */
export interface Publication {
  /** Name of the exchange or queue that the link is attached to; the empty string on the anonymous relay. */
  readonly address: string;
  readonly subject: string;
  readonly to: string;
  readonly bytes: Uint8Array;
}

/** What a fault switch sees of a message that goes out. */
export interface DeliveryOut {
  /** Name of the queue. */
  readonly queue: string;
  readonly subject: string;
}

/** What a fault switch sees of a link. The role is the peer's: a `sender` publishes. */
export interface AttachedLink {
  readonly role: 'sender' | 'receiver';
  readonly address: string;
}

/** How often a rule strikes: `times` times (default: always), after it has let `skip` pass (default 0). */
export interface Occasions {
  readonly skip?: number;
  readonly times?: number;
}

/** Which messages or links a rule is for; what is left out may be anything. */
export interface Match extends Occasions {
  /** Name of the exchange or queue. */
  readonly address?: string;
  /** Pattern of the routing key, with `*` and `#` as in a topic binding. */
  readonly subject?: string;
  /** Which links: `sender` for those that the peer publishes on. */
  readonly role?: 'sender' | 'receiver';
}

/** Functions that make the broker misbehave. They are asked each time, so a test may change its mind. */
export interface BrokerFaults {
  /** Asked for every message that comes in. */
  publish?(publication: Publication): PublishFault;
  /** Asked for every link; a text refuses it with that AMQP error condition. */
  attach?(role: 'sender' | 'receiver', address: string): string | undefined;
}
