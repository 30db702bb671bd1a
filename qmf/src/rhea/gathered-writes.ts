import type { Connection } from 'rhea';

/** What rhea's typings leave out: where a connection turns what is due into frames, and how it arranges for that. */
interface ConnectionOutput {
  readonly socket?: { cork(): void; uncork(): void };
  registered?: boolean;
  _register(): void;
  _process(): void;
}

/**
 * Makes a connection write once in a turn of the event loop, when everything that the turn's input has led to is done. rhea would
 * write in the next tick, which comes before promises are settled: the disposition of a request by itself, and later its answer. Each
 * write costs a system call and wakes the broker, and that was 40 % of an agent's time; so answer and disposition go together.
 */
export function gatherWrites(connection: Connection): void {
  // Not in rhea's typings; lib/connection.js of rhea 3.0 has them all.
  const internals = connection as unknown as ConnectionOutput;
  const process = internals._process.bind(internals);
  internals._process = () => {
    const { socket } = internals;
    socket?.cork();
    try {
      process();
    } finally {
      socket?.uncork();
    }
  };
  internals._register = () => {
    if (internals.registered === true) return;
    internals.registered = true;
    setImmediate(() => internals._process());
  };
}
