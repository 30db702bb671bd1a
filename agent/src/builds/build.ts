import type { Template } from '@imagefactory/plugin-api';
import { assertBuildTransition, type BuildState, type BuildStatus } from './status.js';
import type { BuildPlan } from './plugins.js';

/** What observers are told, in this order for one build. */
export type BuildChange =
  | { readonly kind: 'status'; readonly from: BuildStatus; readonly state: BuildState }
  | { readonly kind: 'percent'; readonly percent: number };

/** What a build is made of. */
export interface BuildOrder {
  /** A uuid, which names the image as well. */
  readonly id: string;
  readonly template: Template;
  readonly plan: BuildPlan;
  /** The template's text without passwords. */
  readonly descriptor: string;
  readonly callerImageUuid?: string;
  /** Passwords in the template. */
  readonly secrets: readonly string[];
  /** Hides them in a text. */
  readonly mask: (text: string) => string;
}

/** One build: its one state, its percentage, and those who watch it. */
export class Build {
  readonly #listeners = new Set<(change: BuildChange) => void>();
  #state: BuildState = { status: 'NEW' };
  #percent = 0;

  /** @param onListenerError told when an observer throws; the build goes on */
  constructor(
    readonly order: BuildOrder,
    private readonly onListenerError: (error: unknown) => void,
  ) {}

  get id(): string {
    return this.order.id;
  }

  get state(): BuildState {
    return this.#state;
  }

  /** Whole percent; never goes back, and is 100 exactly when the build is COMPLETED. */
  get percent(): number {
    return this.#percent;
  }

  /** Calls `listener` at every change from now on; the result unsubscribes. */
  onChange(listener: (change: BuildChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws Error for a change of status that the table doesn't have */
  enter(state: BuildState): void {
    const from = this.#state.status;
    assertBuildTransition(from, state.status);
    this.#state = state;
    if (state.status === 'COMPLETED') this.#percent = 100;
    this.#tell({ kind: 'status', from, state });
  }

  /** Takes over a percentage below 100 if it is a growth. */
  advance(percent: number): void {
    if (percent <= this.#percent || percent >= 100) return;
    this.#percent = percent;
    this.#tell({ kind: 'percent', percent });
  }

  #tell(change: BuildChange): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        this.onListenerError(error);
      }
    }
  }
}
