/** Milliseconds between two looks. */
const PAUSE = 20;

/**
 * Waits until a condition holds. The patience is counted in looks, not by the clock: a process that gets little of a busy machine looks less
 * often, and waits longer.
 *
 * @param timeout milliseconds that the looks take on an idle machine
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeout = 90_000,
): Promise<void> {
  for (let looks = Math.ceil(timeout / PAUSE); !(await condition()); looks--) {
    if (looks <= 0) throw new Error(`waited ${timeout / 1000} s in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, PAUSE));
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) result.push(item);
  return result;
}

/** The error that a promise must be rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error(`a rejection was expected, it resolved with ${String(value)}`);
}
