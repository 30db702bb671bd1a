/**
 * Calls every listener, also those after one that throws; then throws what the first of them threw. A listener's bug must not
 * cost the others what they wait for.
 */
export function notifyAll<T>(listeners: Iterable<(item: T) => void>, item: T): void {
  let failure: { readonly error: unknown } | undefined;
  for (const listener of [...listeners]) {
    try {
      listener(item);
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
}

/** The same, for one who must go on: what a listener throws becomes a warning of the process. */
export function notifySafely<T>(listeners: Iterable<(item: T) => void>, item: T): void {
  try {
    notifyAll(listeners, item);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
