import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** What Node.js publishes about each socket that connects. */
const CHANNEL = 'net.client.socket';

/** Calls `seen` with each socket that this process connects to the port while `work` runs, before it has connected. */
export async function watchSockets<T>(seen: (socket: Socket) => void, work: () => Promise<T>): Promise<T> {
  const listener = (message: unknown): void => seen((message as { socket: Socket }).socket); // as documented
  subscribe(CHANNEL, listener);
  try {
    return await work();
  } finally {
    unsubscribe(CHANNEL, listener);
  }
}

/** A piece of a buffer somewhere inside of a larger one that is full of other things, as Node.js hands them out. */
export function pooled(bytes: Buffer): Buffer {
  const pool = Buffer.alloc(bytes.length + 64, 0xee);
  bytes.copy(pool, 13);
  return pool.subarray(13, 13 + bytes.length);
}

/**
 * Hands a socket's input to its reader in pieces of a pool, each in a turn of its own. `cutAfter` says for each piece how many of
 * its bytes to hand over first, by the number of bytes that have come before.
 */
export function chopInput(
  socket: Socket,
  cutAfter: (offset: number, length: number) => number,
): () => number {
  const push = socket.push.bind(socket);
  const waiting: (Buffer | null)[] = [];
  let offset = 0;
  let due = false;
  const next = (): void => {
    due = false;
    const chunk = waiting.shift();
    if (chunk === undefined) return;
    if (chunk === null) {
      push(null);
      return;
    }
    const cut = Math.min(Math.max(cutAfter(offset, chunk.length), 1), chunk.length);
    if (cut < chunk.length) waiting.unshift(chunk.subarray(cut));
    offset += cut;
    push(pooled(chunk.subarray(0, cut)));
    schedule();
  };
  const schedule = (): void => {
    if (due || waiting.length === 0) return;
    due = true;
    setImmediate(next);
  };
  socket.push = chunk => {
    waiting.push(chunk as Buffer | null); // a socket without an encoding reads nothing else
    schedule();
    return true;
  };
  return () => offset;
}
