/** Time as sessions need it; tests bring their own. */
export interface Clock {
  /** Nanoseconds since 1970, never twice the same and never back: consoles order by it. */
  now(): bigint;
}

/** The machine's clock, moved on by at least a nanosecond at each reading. */
export function systemClock(): Clock {
  let last = 0n;
  return {
    now() {
      const millisecond = BigInt(Date.now()) * 1_000_000n;
      last = millisecond > last ? millisecond : last + 1n;
      return last;
    },
  };
}
