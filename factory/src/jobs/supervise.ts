/**
 * Runs work that is not to be trusted to heed its signal: settles as the work does, but when the signal has fired and `grace`
 * milliseconds later there is still nothing, rejects with {@link Abandoned}. What comes of the work then goes to `onLate`.
 *
 * Whatever the work throws, also synchronously, comes out as a rejection.
 */
export async function supervised<T>(
  work: () => Promise<T>,
  {
    signal,
    grace,
    onLate,
  }: { readonly signal: AbortSignal; readonly grace: number; readonly onLate: () => void },
): Promise<T> {
  const progress: { state: 'running' | 'settled' | 'abandoned' } = { state: 'running' };
  const working = (async () => {
    try {
      return await work();
    } finally {
      if (progress.state === 'abandoned') onLate();
      else progress.state = 'settled';
    }
  })();
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const abandoned = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      timer = setTimeout(() => {
        if (progress.state !== 'running') return;
        progress.state = 'abandoned';
        reject(new Abandoned(grace));
      }, grace);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    // The race has a handler on both, so that a late rejection of the work reaches nobody.
    return await Promise.race([working, abandoned]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** Work went on although it was told to stop. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';
  constructor(grace: number) {
    super(`it did not stop within ${grace / 1000} s and was left behind`);
  }
}
