const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

type StopSignal = keyof typeof signals;

/** A wait for the signals that stop a daemon. */
export interface StopSignals {
  /** Resolves with the name of the first one. */
  readonly first: Promise<StopSignal>;
  dispose(): void;
}

/** From the first signal on the daemon is expected to stop; a second SIGINT or SIGTERM ends the process at once. */
export function stopSignals(onSecond: (signal: StopSignal, exitCode: number) => void): StopSignals {
  let seen = 0;
  let resolveFirst: (signal: StopSignal) => void = () => undefined;
  const first = new Promise<StopSignal>(resolve => {
    resolveFirst = resolve;
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    // Registered for these three alone.
    const stop = signal as StopSignal;
    if (++seen === 1) resolveFirst(stop);
    // A terminal that closes may hang up several times, or after somebody's SIGTERM; nobody is pressing for an end then.
    else if (stop !== 'SIGHUP') onSecond(stop, signals[stop]);
  };
  for (const signal of Object.keys(signals)) process.on(signal, onSignal);
  return {
    first,
    dispose: () => {
      for (const signal of Object.keys(signals)) process.off(signal, onSignal);
    },
  };
}
