/** Milliseconds between two looks. */
const PAUSE = 5;

/**
 * Waits for a condition, and gives up before mocha does, so that its name is in the error.
 *
 * @param patience milliseconds that the looks take on an idle machine; they are counted, so that a busy one makes it longer
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patience = 60_000,
): Promise<void> {
  for (let looks = Math.ceil(patience / PAUSE); !(await condition()); looks--) {
    if (looks <= 0) throw new Error(`waited in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, PAUSE));
  }
}

/** The error that a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error('rejected with something that is no error', { cause: error });
  }
  throw new Error('a rejection was expected');
}
