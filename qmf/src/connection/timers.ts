/** The longest that a timer can run; Node.js takes more for one millisecond. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** Where the connection takes its time from; tests bring their own. */
export interface Timers {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Runs `task` after so many milliseconds, unless the result is called before. */
  after(delay: number, task: () => void): () => void;
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (delay, task) => {
    const timer = setTimeout(task, Math.min(delay, LONGEST_TIMER));
    return () => clearTimeout(timer);
  },
};
