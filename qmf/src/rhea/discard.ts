import type { Connection } from 'rhea';

/** What rhea keeps of a connection that its typings leave out; checked against rhea 3.0 by discard.test.ts. */
interface ConnectionInternals {
  /** Undefined before the first dial. */
  readonly socket?: {
    readonly destroyed: boolean;
    destroy(): void;
    once(event: 'close', listener: () => void): void;
  };
  readonly local: { readonly open: { idle_time_out?: number | undefined } };
  /** Without `open` until the peer has sent it. */
  readonly remote: { readonly open?: { idle_time_out?: number | undefined } };
  socket_ready: boolean;
  heartbeat_in?: NodeJS.Timeout | undefined;
  heartbeat_out?: NodeJS.Timeout | undefined;
  abort_idle?: NodeJS.Timeout | undefined;
}

/**
 * Ends a connection at once, without a word to the peer. rhea would start its timers again for input that is still being
 * read, and for output that is still due, and nobody would ever stop them: the process would live on.
 */
export function discard(connection: Connection): void {
  const internals = connection as unknown as ConnectionInternals;
  internals.local.open.idle_time_out = undefined;
  if (internals.remote.open !== undefined) internals.remote.open.idle_time_out = undefined;
  internals.socket_ready = false;
  for (const timer of ['heartbeat_in', 'heartbeat_out', 'abort_idle'] as const) {
    clearTimeout(internals[timer]);
    internals[timer] = undefined;
  }
  internals.socket?.destroy();
}

/** Resolves when the connection's socket is closed. */
export function socketClosed(connection: Connection): Promise<void> {
  const { socket } = connection as unknown as ConnectionInternals;
  return new Promise(resolve => {
    if (socket === undefined || socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
}
