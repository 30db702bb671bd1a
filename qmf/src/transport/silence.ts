/** Looks taken in one timeout. A peer is given up at the eighth in a row that finds nothing new, so a little before the time is over. */
const LOOKS = 8;

/** What is looked at: the count that every socket of Node.js keeps. */
export interface Heard {
  readonly bytesRead: number;
}

/**
 * Calls `onSilent` once when nothing at all has come for `timeout` milliseconds: at the latest then, at the earliest after 7/8 of it.
 * The result stops the watch. 0 watches nothing.
 *
 * The clocks of our libraries are no use for this: rhea's stops when a frame has begun and its rest never comes, and amqplib's takes
 * up to half as long again. Looks that a busy process takes late count as one each, so its own delay is not held against the peer.
 */
export function watchSilence(socket: Heard, timeout: number, onSilent: () => void): () => void {
  if (timeout <= 0) return () => undefined;
  let heard = socket.bytesRead;
  let silent = 0;
  const timer = setInterval(() => {
    const now = socket.bytesRead;
    silent = now === heard ? silent + 1 : 0;
    heard = now;
    if (silent < LOOKS - 1) return;
    clearInterval(timer);
    onSilent();
  }, timeout / LOOKS).unref();
  return () => clearInterval(timer);
}
