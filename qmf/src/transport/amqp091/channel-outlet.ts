import type { ConfirmChannel } from 'amqplib';

/** Told null when the broker has the message, else amqplib's error: `message nacked`, or `channel closed`. */
export type Confirmed = (error: Error | null) => void;

/** What amqplib's own `publish` does its work with. */
interface Internals {
  /** The number of the channel. */
  readonly ch: number;
  readonly connection: {
    readonly channels: readonly (Slot | null | undefined)[];
    /** Spares the broker a heartbeat. */
    sentSinceLastCheck: boolean;
  };
  /** Takes what is told of the next message. */
  pushConfirmCallback(confirmed: Confirmed): void;
}

interface Slot {
  readonly channel: object;
  /** What is to go to the socket. */
  readonly buffer: { write(frames: Buffer): boolean };
}

/**
 * The way out for messages whose frames are made already. amqplib's `publish` encodes all properties of each anew, and most of all the
 * headers: that was the largest single cost of an event.
 */
export class ChannelOutlet {
  readonly #inside: Internals;

  /** @throws Error when amqplib has changed */
  constructor(readonly channel: ConfirmChannel) {
    // Not in amqplib's typings; checked against amqplib 2.3 by channel-outlet.test.ts.
    this.#inside = channel as unknown as Internals;
    const { ch, connection } = this.#inside;
    if (
      connection.channels[ch]?.channel !== channel ||
      typeof this.#inside.pushConfirmCallback !== 'function'
    )
      throw new Error('this version of amqplib is not one that the 0-9-1 transport can work with');
  }

  /** The number of the channel. */
  get number(): number {
    return this.#inside.ch;
  }

  /** Sends a message, unless the channel has ended: then its `close` event is under way. */
  send(frames: Buffer, confirmed: Confirmed): void {
    const { ch, connection } = this.#inside;
    const slot = connection.channels[ch];
    // The number may be another channel's by now.
    if (slot?.channel !== this.channel) return;
    connection.sentSinceLastCheck = true;
    slot.buffer.write(frames);
    this.#inside.pushConfirmCallback(confirmed);
  }
}
