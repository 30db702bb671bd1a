/**
 * Sends `count` messages and keeps at most `window` of them unaccepted; settles when all are accepted.
 *
 * @param send sends one message and calls back when the broker has accepted it
 */
export function sendWindowed(
  count: number,
  window: number,
  send: (accepted: () => void) => void,
): Promise<void> {
  return new Promise(resolve => {
    let sent = 0;
    let done = 0;
    const accepted = (): void => {
      done++;
      if (done === count) resolve();
      else pump();
    };
    const pump = (): void => {
      while (sent < count && sent - done < window) {
        sent++;
        send(accepted);
      }
    };
    pump();
  });
}
