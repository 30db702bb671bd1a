/** Milliseconds between two looks, and how many looks are taken: counted, so that a process that gets little of a busy machine waits longer. */
const PAUSE = 5;
const LOOKS = 12_000;

/** Waits until a condition holds. */
export async function until(condition: () => boolean, what = 'it held'): Promise<void> {
  for (let looks = LOOKS; !condition(); looks--) {
    if (looks === 0) throw new Error(`waited in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, PAUSE));
  }
}
