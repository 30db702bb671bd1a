/** What a fault switch can do to one message on its way in. */
export type PublishFault =
  | 'none'
  /** Accepted and thrown away. */
  | 'drop'
  /** Outcome `released`, as from a full queue. */
  | 'release'
  /** Outcome `rejected`. */
  | 'reject';

/** What a fault switch sees of a message. */
export interface Publication {
  /** Name of the exchange or queue that the link is attached to; the empty string on the anonymous relay. */
  readonly address: string;
  readonly subject: string;
  readonly to: string;
  readonly bytes: Uint8Array;
}

/** Switches by which a test makes the broker misbehave. The functions are asked each time, so a test may change its mind. */
export interface BrokerFaults {
  /** Asked for every message that comes in. */
  publish?(publication: Publication): PublishFault;
  /** Asked for every link; a text refuses it with that AMQP error condition. */
  attach?(role: 'sender' | 'receiver', address: string): string | undefined;
}
