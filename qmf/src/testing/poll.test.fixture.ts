/** Milliseconds between two looks. */
const PAUSE = 5;

/**
 * Waits for a condition by asking again and again; tests never sleep for a fixed time. The timeout only names the condition of a test that
 * hangs, before mocha ends the test. It is counted in looks: a process that gets little of a busy machine waits longer.
 *
 * @param timeout milliseconds that the looks take on an idle machine
 */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  timeout = 60_000,
): Promise<T> {
  for (let looks = Math.ceil(timeout / PAUSE); ; looks--) {
    const found = await ask();
    if (found !== undefined && found !== false) return found;
    if (looks <= 0) throw new Error(`in vain: ${what}`);
    await new Promise(resolve => setTimeout(resolve, PAUSE));
  }
}

/** The error that a promise is expected to fail with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`no Error was thrown but ${String(error)}`, { cause: error });
  }
  throw new Error('it succeeded, a failure was expected');
}
