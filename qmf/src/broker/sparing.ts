/** Warnings that are passed on in a row. */
const most = 20;
/** Milliseconds after which one more may follow. */
const pause = 3_000;

/**
 * Passes events on. Of warnings, each of which a peer can cause as often as it likes, so many alone; those that are left out are counted, and
 * the next one says how many they were.
 *
 * @param now clock in milliseconds
 */
export function sparing<E extends { readonly level: string; readonly message: string }>(
  listener: (event: E) => void,
  now: () => number,
): (event: E) => void {
  let room = most;
  let refilled = now();
  let leftOut = 0;
  return event => {
    if (event.level !== 'warn') {
      listener(event);
      return;
    }
    const time = now();
    // A clock that was set back begins anew.
    const more = time < refilled ? 0 : Math.floor((time - refilled) / pause);
    refilled = time < refilled ? time : refilled + more * pause;
    room = Math.min(most, room + more);
    if (room === 0) {
      leftOut++;
      return;
    }
    room--;
    const before = leftOut === 0 ? '' : ` (${leftOut} warnings before it were left out)`;
    leftOut = 0;
    listener({ ...event, message: event.message + before });
  };
}
