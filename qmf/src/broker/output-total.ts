const KiB = 1024;
const MiB = 1024 * KiB;

/** Bytes of output of one socket: above the first nothing more is taken from queues, above the second its input waits too. */
const usual = { congested: MiB, deaf: 4 * MiB } as const;
const scarce = { congested: 64 * KiB, deaf: 256 * KiB } as const;

/** Output of all sockets that waits for slow peers. When there is much of it, each of them gets less at a time. */
export class OutputTotal {
  #waiting = 0;

  /** @param limit bytes from which on there is much of it */
  constructor(private readonly limit: number) {}

  get waiting(): number {
    return this.#waiting;
  }

  get bounds(): { readonly congested: number; readonly deaf: number } {
    return this.#waiting > this.limit ? scarce : usual;
  }

  change(by: number): void {
    this.#waiting += by;
  }
}
