import type { ChannelModel } from 'amqplib';

/** Where amqplib moves the frames of all channels to the socket. */
interface Internals {
  readonly muxer: { _readIncoming(): void };
  readonly stream: { cork(): void; uncork(): void };
}

/**
 * Makes a connection hand the frames that are due to the system together. amqplib writes each by itself, though it has collected
 * them already, and system calls are the largest single cost of a busy session.
 */
export function gatherWrites(model: ChannelModel): void {
  // Not in amqplib's typings; lib/connection.js of amqplib 2.3 has both.
  const { muxer, stream } = model.connection as unknown as Internals;
  const original = muxer._readIncoming.bind(muxer);
  muxer._readIncoming = () => {
    stream.cork();
    try {
      original();
    } finally {
      stream.uncork();
    }
  };
}
