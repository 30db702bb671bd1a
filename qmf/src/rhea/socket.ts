import type { Connection } from 'rhea';

/** What rhea's typings leave out of a connection around its socket; checked against rhea 3.0 by the transport's tests over a bad line. */
interface SocketInternals {
  readonly socket?: { readonly bytesRead: number };
  idle(): void;
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

/** Takes the watch over a silent peer from rhea, whose own stops for good when the rest of a frame doesn't come. */
export function ignoreIdling(connection: Connection): void {
  (connection as unknown as SocketInternals).idle = () => undefined;
}
