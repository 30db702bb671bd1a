import { stat, statfs } from 'node:fs/promises';
import { BuildError } from '@imagefactory/plugin-api';
import type { Release } from './slots.js';

/** Bytes that a job will need in a directory. */
export interface SpaceNeed {
  readonly directory: string;
  readonly bytes: number;
}

/** What a file system has. Tests put their own in place. */
export interface SpaceProbe {
  /** Names the file system of a directory. */
  device(directory: string): Promise<string>;
  /** Bytes that an ordinary user may still fill. */
  free(directory: string): Promise<number>;
}

const systemProbe: SpaceProbe = {
  device: async directory => String((await stat(directory)).dev),
  free: async directory => {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  },
};

/**
 * Space on disks, promised to jobs before they start, so that one which cannot end well is not begun, and two that fit only one
 * after the other do not run at the same time.
 *
 * What a running job has filled already counts twice, as used and as promised: that errs on the safe side.
 */
export class DiskSpace {
  readonly #reserved = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  readonly #probe: SpaceProbe;
  readonly #minimum: number;

  /** @param minimum bytes that stay free on each file system in any case */
  constructor(minimum: number, probe: SpaceProbe = systemProbe) {
    this.#minimum = minimum;
    this.#probe = probe;
  }

  /** Bytes promised at present, on all file systems. */
  get reserved(): number {
    let sum = 0;
    for (const bytes of this.#reserved.values()) sum += bytes;
    return sum;
  }

  /**
   * Reserves all of `needs`; waits while that fails only for what other jobs have reserved, and may have filled already.
   *
   * @param onWait told once when there is something to wait for
   * @throws BuildError `no_space` when it would not fit with no other job either; the signal's reason
   */
  async reserve(needs: readonly SpaceNeed[], signal: AbortSignal, onWait: () => void): Promise<Release> {
    const wanted = await this.#byDevice(needs);
    for (let told = false; ; ) {
      const lacking = await this.#lacking(wanted);
      signal.throwIfAborted();
      // No await between the look and the promise: nobody can come in between.
      const short = lacking.find(({ free, device }) => !this.#fits(device, wanted, free, true));
      if (short === undefined) return this.#promise(wanted);
      // What others have filled of their share is not free now, and may be when they have ended.
      const later = short.free + (this.#reserved.get(short.device) ?? 0);
      if (!this.#fits(short.device, wanted, later, false)) throw this.#noSpace(short, wanted);
      if (!told) onWait();
      told = true;
      await this.#change(signal);
    }
  }

  #fits(device: string, wanted: Wanted, free: number, withOthers: boolean): boolean {
    const bytes = wanted.get(device)?.bytes ?? 0;
    const others = withOthers ? (this.#reserved.get(device) ?? 0) : 0;
    return bytes + others + this.#minimum <= free || bytes === 0;
  }

  async #byDevice(needs: readonly SpaceNeed[]): Promise<Wanted> {
    const wanted = new Map<string, SpaceNeed>();
    for (const { directory, bytes } of needs) {
      const device = await this.#probe.device(directory);
      const before = wanted.get(device);
      wanted.set(device, { directory: before?.directory ?? directory, bytes: (before?.bytes ?? 0) + bytes });
    }
    return wanted;
  }

  #lacking(wanted: Wanted): Promise<readonly Found[]> {
    return Promise.all(
      [...wanted].map(async ([device, { directory }]) => ({
        device,
        directory,
        free: await this.#probe.free(directory),
      })),
    );
  }

  #promise(wanted: Wanted): Release {
    const add = (sign: 1 | -1): void => {
      for (const [device, { bytes }] of wanted) {
        const sum = (this.#reserved.get(device) ?? 0) + sign * bytes;
        if (sum === 0) this.#reserved.delete(device);
        else this.#reserved.set(device, sum);
      }
    };
    add(1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      add(-1);
      for (const look of [...this.#waiting]) look();
    };
  }

  /** Resolves when somebody gives space back. */
  async #change(signal: AbortSignal): Promise<void> {
    await new Promise<void>(resolve => {
      const look = (): void => {
        this.#waiting.delete(look);
        signal.removeEventListener('abort', look);
        resolve();
      };
      this.#waiting.add(look);
      if (signal.aborted) look();
      signal.addEventListener('abort', look, { once: true });
    });
    signal.throwIfAborted();
  }

  #noSpace({ device, directory, free }: Found, wanted: Wanted): BuildError {
    const bytes = wanted.get(device)?.bytes ?? 0;
    const kept = this.#minimum === 0 ? '' : `, of which ${mebibytes(this.#minimum)} are to stay free`;
    return new BuildError(
      'no_space',
      `the build needs about ${mebibytes(bytes)} in ${directory}, and ${mebibytes(free)} are free there${kept}; make room`,
    );
  }
}

type Wanted = ReadonlyMap<string, SpaceNeed>;

interface Found {
  readonly device: string;
  readonly directory: string;
  readonly free: number;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
