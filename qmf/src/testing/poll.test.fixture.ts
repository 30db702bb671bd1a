/**
 * Waits for a condition by asking again and again; tests never sleep for a fixed time. The deadline, in milliseconds, only names the
 * condition of a test that hangs, before mocha ends the test: no test relies on the speed of the machine.
 */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  timeout = 45_000,
): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    const found = await ask();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`in vain: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
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
