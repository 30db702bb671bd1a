import type { Connection } from 'rhea';

/** What rhea's typings leave out of a connection around its socket; checked against rhea 3.0 by the transport's tests over a bad line. */
interface SocketInternals {
  readonly socket?: { readonly bytesRead: number };
  readonly local: { readonly open: { idle_time_out?: number | undefined } };
  heartbeat_in?: NodeJS.Timeout | undefined;
}

/** How many bytes have come in so far. */
export function inputOf(connection: Connection): { readonly bytesRead: number } {
  const internals = connection as unknown as SocketInternals;
  return {
    get bytesRead() {
      return internals.socket?.bytesRead ?? 0;
    },
  };
}

/**
 * Takes the watch over a silent peer from rhea, whose own stops for good when the rest of a frame doesn't come, and sets a timer anew
 * with every input. The peer has been told by then how often it is to be heard.
 */
export function ignoreIdling(connection: Connection): void {
  const internals = connection as unknown as SocketInternals;
  internals.local.open.idle_time_out = undefined;
  clearTimeout(internals.heartbeat_in);
  internals.heartbeat_in = undefined;
}
