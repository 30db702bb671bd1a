/**
 * Calls every listener. What one of them throws becomes a warning of the process: it must cost neither the others their news nor us
 * the thread of a build.
 */
export function tellAll<T>(listeners: Iterable<(item: T) => void>, item: T): void {
  for (const listener of [...listeners]) {
    try {
      listener(item);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}
