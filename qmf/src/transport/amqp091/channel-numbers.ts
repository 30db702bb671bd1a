import type { Duplex } from 'node:stream';
import type { ChannelModel } from 'amqplib';

/** Where amqplib gives out the numbers of channels, and takes them back. */
interface Internals {
  /** What is to go to the socket for each. */
  readonly channels: readonly ({ readonly buffer: Duplex } | null | undefined)[];
  /** The bits of those that are in use. */
  readonly freeChannels: { set(number: number): void; clear(number: number): void };
  releaseChannel(number: number): void;
}

/**
 * Makes a connection use the number of a channel that the broker has ended again only when all that was to be sent on it is sent, the answer to
 * the broker last. amqplib would use it at once, and as it sends what its channels have in turn, the opening of the new channel overtakes that
 * answer behind a long backlog: RabbitMQ ends the whole connection then (504, "second 'channel.open' seen").
 */
export function keepChannelsApart(model: ChannelModel): void {
  // Not in amqplib's typings; lib/connection.js of amqplib 2.3 has all of them.
  const internals = model.connection as unknown as Internals;
  const { channels, freeChannels } = internals;
  const original = internals.releaseChannel.bind(internals);
  internals.releaseChannel = number => {
    const buffer = channels[number]?.buffer;
    const isEmpty = buffer === undefined || buffer.writableLength + buffer.readableLength === 0;
    original(number);
    if (isEmpty) return;
    freeChannels.set(number);
    buffer.once('end', () => freeChannels.clear(number));
  };
}
