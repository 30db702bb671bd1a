import type { Connection } from 'rhea';

/** What rhea's typings leave out: where a connection writes the frames that are due. */
interface ConnectionOutput {
  readonly socket?: { cork(): void; uncork(): void };
  output(): void;
}

/** What became of the frames of this turn of the event loop so far. */
type Turn = 'nothing written' | 'first written' | 'gathering';

/**
 * Makes a connection hand the frames of one turn to the system together. rhea writes each frame by itself, and the system calls
 * were the largest single cost of a busy session, a quarter of an agent's time; without them 64 calls in flight go about 1.2 times
 * as fast. The first frame goes out at once all the same: holding it back made a single call 4 % slower.
 */
export function gatherWrites(connection: Connection): void {
  // Not in rhea's typings; lib/connection.js of rhea 3.0 has both.
  const internals = connection as unknown as ConnectionOutput;
  const original = internals.output.bind(internals);
  let turn: Turn = 'nothing written';
  internals.output = () => {
    if (turn === 'nothing written') {
      turn = 'first written';
      process.nextTick(() => {
        if (turn === 'gathering') internals.socket?.uncork();
        turn = 'nothing written';
      });
    } else if (turn === 'first written' && internals.socket !== undefined) {
      turn = 'gathering';
      internals.socket.cork();
    }
    original();
  };
}
