/** Waits until a condition holds; a test that polls with a deadline is quick when things are, and patient when they're not. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeout = 45_000,
): Promise<void> {
  const deadline = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeout / 1000} s in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
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
