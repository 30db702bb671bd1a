import type { Progress } from '@imagefactory/plugin-api';

/** How a build gets on: told at every growth of the whole-number percentage, and of what is being done. */
export interface ProgressListener {
  percent(percent: number): void;
  /** A step has begun, or reports a detail. */
  activity(activity: string, detail?: string): void;
}

/**
 * The steps of a build as a tree, where each step stands for a share of its parent. The percentage that comes out never goes
 * back, and stays below 100: that one belongs to the build's completion.
 *
 * Plugins are not trusted with the numbers: what is no number is ignored, and everything is kept within 0 and 1.
 */
export class ProgressTree {
  readonly root: Progress;
  readonly #listener: ProgressListener;
  readonly #root = new Step('', 0);
  #percent = 0;
  /** Activity of the innermost step that has failed, until another step begins. */
  #failed: string | undefined;
  #closed = false;

  constructor(listener: ProgressListener) {
    this.#listener = listener;
    this.root = this.#progressOf(this.#root);
  }

  get percent(): number {
    return this.#percent;
  }

  /** What was being done when things went wrong, or what is being done now; undefined before the first step. */
  get activity(): string | undefined {
    return this.#failed ?? (this.#root.isBusy ? this.#root.innermost.activity : undefined);
  }

  /** From now on reports are ignored: those of a plugin that goes on although its build is over. */
  close(): void {
    this.#closed = true;
  }

  #progressOf(step: Step): Progress {
    return {
      update: (fraction, message) => {
        step.advanceTo(fraction);
        if (this.#closed) return;
        this.#publish();
        if (message !== undefined) this.#listener.activity(step.activity, message);
      },
      step: (activity, share, work) => this.#run(step, activity, share, work),
    };
  }

  async #run<T>(
    parent: Step,
    activity: string,
    share: number,
    work: (progress: Progress) => Promise<T>,
  ): Promise<T> {
    const step = new Step(activity, clamp(share) ?? 0);
    parent.begin(step);
    if (!this.#closed) {
      this.#failed = undefined;
      this.#listener.activity(activity);
    }
    try {
      const result = await work(this.#progressOf(step));
      parent.settle(step);
      return result;
    } catch (error) {
      // A plugin that ignores its abort is left in the middle of an inner step.
      if (!this.#closed) this.#failed ??= step.innermost.activity;
      parent.abandon(step);
      throw error;
    } finally {
      if (!this.#closed) this.#publish();
    }
  }

  #publish(): void {
    // The small addend mends sums such as 0.1 + 0.7, which come out a hair below what they are.
    const percent = Math.min(99, Math.floor(this.#root.fraction * 100 + 1e-6));
    if (percent <= this.#percent) return;
    this.#percent = percent;
    this.#listener.percent(percent);
  }
}

class Step {
  readonly #children = new Set<Step>();
  #done = 0;

  constructor(
    readonly activity: string,
    readonly share: number,
  ) {}

  get fraction(): number {
    let fraction = this.#done;
    for (const child of this.#children) fraction += child.share * child.fraction;
    return Math.min(1, fraction);
  }

  get isBusy(): boolean {
    return this.#children.size > 0;
  }

  /** The step that was begun last inside this one, and in that one, and so on. */
  get innermost(): Step {
    const last = [...this.#children].at(-1);
    return last === undefined ? this : last.innermost;
  }

  advanceTo(fraction: number): void {
    this.#done = Math.max(this.#done, clamp(fraction) ?? 0);
  }

  begin(child: Step): void {
    this.#children.add(child);
  }

  settle(child: Step): void {
    this.#children.delete(child);
    this.#done = Math.min(1, this.#done + child.share);
  }

  abandon(child: Step): void {
    this.#children.delete(child);
  }
}

/** `value` within 0 and 1; undefined when it is no number, which plugins in plain JavaScript may well give. */
function clamp(value: unknown): number | undefined {
  if (typeof value !== 'number' || Number.isNaN(value)) return undefined;
  return Math.min(1, Math.max(0, value));
}
