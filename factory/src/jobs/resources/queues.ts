import { Slots } from './slots.js';

/** How many jobs may use a resource at the same time, by its name. `local` is this machine. */
export type QueueLimits = Readonly<Record<string, number>>;

/** Jobs at the same time where nothing is configured: on this machine, and at one cloud. */
const usual = { local: 2, cloud: 4 };

/** How full a queue is. */
export interface QueueLoad {
  readonly name: string;
  readonly limit: number;
  readonly running: number;
  readonly waiting: number;
}

/** One queue per resource: jobs on this machine wait for each other, and jobs at one cloud for each other. */
export class Queues {
  readonly #limits: QueueLimits;
  readonly #queues = new Map<string, Slots>();

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** The queue of a resource; made when it is first asked for. */
  of(name: string): Slots {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const limit = this.#limits[name] ?? (name === 'local' ? usual.local : usual.cloud);
    const slots = new Slots(limit);
    this.#queues.set(name, slots);
    return slots;
  }

  /** Jobs that wait, in all queues. */
  get waiting(): number {
    let waiting = 0;
    for (const slots of this.#queues.values()) waiting += slots.waiting;
    return waiting;
  }

  get loads(): readonly QueueLoad[] {
    return [...this.#queues].map(([name, { count, taken, waiting }]) => ({
      name,
      limit: count,
      running: taken,
      waiting,
    }));
  }
}
