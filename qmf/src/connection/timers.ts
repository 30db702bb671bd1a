import { Deadlines } from './deadlines.js';

/** Where the connection takes its time from; tests bring their own. */
export interface Timers {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Runs `task` after so many milliseconds, unless the result is called before. */
  after(delay: number, task: () => void): () => void;
}

const deadlines = new Deadlines();

export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (delay, task) => deadlines.after(delay, task),
};
