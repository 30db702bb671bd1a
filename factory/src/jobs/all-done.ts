/**
 * As `Promise.all`, but it waits for all before it is rejected: what is given up then must not go on being written.
 *
 * @throws the first rejection's reason
 */
export async function allDone(works: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(works);
  await Promise.all(works);
}
