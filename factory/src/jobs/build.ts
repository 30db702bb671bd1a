import type { CloudPlugin, Progress, PushOrder, Template } from '@imagefactory/plugin-api';
import type { StoredImage } from '../images/index.js';
import type { BuildLogFile } from './build-log.js';
import type { BuildPlan } from '../plugins/plugins.js';
import { assertBuildTransition, type BuildState, type BuildStatus } from './status.js';

/**
 * Resolves when a change is on record, with the sequence of its event; with undefined when the change is on no record. Never rejects.
 */
export type Recorded = Promise<number | undefined>;

const notRecorded: Recorded = Promise.resolve(undefined);

/** What observers are told, in this order for one build. */
export type BuildChange =
  | {
      readonly kind: 'status';
      readonly from: BuildStatus;
      readonly state: BuildState;
      readonly recorded: Recorded;
    }
  | { readonly kind: 'percent'; readonly percent: number; readonly recorded: Recorded }
  | { readonly kind: 'place'; readonly place: QueuePlace | undefined }
  | { readonly kind: 'detail'; readonly detail: StatusDetail };

/** Where a build waits. */
export interface QueuePlace {
  /** Name of the resource that it waits for. */
  readonly queue: string;
  /** From 1, which is the next. */
  readonly position: number;
}

/** What a build is doing, in a few words, and what went wrong. */
export interface StatusDetail {
  readonly activity: string;
  /** One line; null unless the build has failed. */
  readonly error: string | null;
}

/** What is known of a build for as long as anybody may ask for it. */
export interface BuildOrder {
  /** A uuid, which names the image as well. */
  readonly id: string;
  readonly target: string;
  /** The template's text without passwords. */
  readonly descriptor: string;
  readonly callerImageUuid?: string;
  /** Set for a push, which takes an image to a provider instead of making one. */
  readonly push?: PushFacts;
  /** Number of the agent's start in which the build was ordered. */
  readonly epoch: number;
  /** Hides the template's passwords in a text. */
  readonly mask: (text: string) => string;
}

/** What an order is called in logs and errors: a push is carried out as builds are, and is none. */
export function jobWord({ push }: Pick<BuildOrder, 'push'>): 'build' | 'push' {
  return push === undefined ? 'build' : 'push';
}

/** What the catalogue is told of a build or a push, so that a restart can tell it again when a power cut has taken it from there. */
export interface RecordFacts {
  /** Who has ordered it; the empty name where that is not known. */
  readonly caller?: string;
  /** Name of the object on the bus. */
  readonly adaptor: string;
  /** The order that it is a part of, if the caller has given that a key; default: named by its first job. */
  readonly order?: { readonly id: string; readonly key: string };
  /** Place of a build in the catalogue, in journals of versions before the store. */
  readonly place?: {
    /** Uuids. */
    readonly image: string;
    readonly build: string;
    readonly template: string;
    /** Body of the image's record. */
    readonly description: string;
  };
}

/** What may be known of a push for as long as anybody may ask for it. */
export interface PushFacts {
  /** Name of the provider. */
  readonly provider: string;
  /** Uuid of the target image. */
  readonly targetImage: string;
}

/** What carrying out a build or a push takes; forgotten at its end. */
export type JobWork = BuildWork | PushWork;

export interface PushWork {
  readonly kind: 'push';
  readonly cloud: CloudPlugin;
  /** Name of the resource that the push uses. */
  readonly queue: string;
  readonly order: Omit<PushOrder, 'image'>;
  /** The target image. */
  readonly image: StoredImage | RemoteImage;
  /** Everything in the credentials and in the provider's definition that must not be shown. */
  readonly secrets: readonly string[];
}

/** A target image that is not here, and is fetched before it is pushed. */
export interface RemoteImage extends Pick<StoredImage, 'identifier' | 'template'> {
  /** Brings it into the store. @throws BuildError */
  fetch(context: FetchContext): Promise<StoredImage>;
}

export interface FetchContext {
  /** Directory for what is fetched; it is removed at the end of the push. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface BuildWork {
  readonly kind: 'build';
  readonly template: Template;
  readonly plan: BuildPlan;
  /** Passwords in the template. */
  readonly secrets: readonly string[];
}

/** Whether a job may be begun once more when it was interrupted by the end of the agent. A push may have been done already. */
export function isResumable(work: JobWork | (() => Promise<JobWork>)): boolean {
  return typeof work !== 'function' && work.kind === 'build' && work.plan.os.resumable === true;
}

/** How far a build had come when it was left. */
export interface Standing {
  readonly state: BuildState;
  readonly percent: number;
  /** Whether it was at work then, and is begun once more. */
  readonly isResumed?: boolean;
}

/** One build: its one state, its percentage, and those who watch it. */
export class Build {
  readonly #listeners = new Set<(change: BuildChange) => void>();
  readonly #onListenerError: (error: unknown) => void;
  readonly #isResumed: boolean;
  #state: BuildState;
  #percent: number;
  #place: QueuePlace | undefined;
  #detail: StatusDetail = { activity: 'accepted', error: null };

  /**
   * @param log where the build tells what it does
   * @param onListenerError told when an observer throws; the build goes on
   * @param since how far it had come when it was left, for builds of an earlier run of the agent
   */
  constructor(
    readonly order: BuildOrder,
    readonly log: BuildLogFile,
    onListenerError: (error: unknown) => void,
    since: Standing = { state: { status: 'NEW' }, percent: 0 },
  ) {
    this.#onListenerError = onListenerError;
    this.#state = since.state;
    this.#percent = since.percent;
    this.#isResumed = since.isResumed === true;
  }

  get id(): string {
    return this.order.id;
  }

  /** `build UUID` or `push UUID`, for logs. */
  get title(): string {
    return `${jobWord(this.order)} ${this.id}`;
  }

  get state(): BuildState {
    return this.#state;
  }

  /** Whole percent; never goes back, and is 100 exactly when the build is COMPLETED. */
  get percent(): number {
    return this.#percent;
  }

  /** Where it waits, while it is PENDING for a slot. */
  get place(): QueuePlace | undefined {
    return this.#place;
  }

  get detail(): StatusDetail {
    return this.#detail;
  }

  /** Calls `listener` at every change from now on; the result unsubscribes. */
  onChange(listener: (change: BuildChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws Error for a change of status that the table doesn't have */
  enter(state: BuildState, recorded = notRecorded): void {
    const from = this.#state.status;
    assertBuildTransition(from, state.status, this.#isResumed);
    this.#state = state;
    if (state.status !== 'PENDING') this.#place = undefined;
    if (state.status === 'COMPLETED') this.#percent = 100;
    this.#tell({ kind: 'status', from, state, recorded });
  }

  /** Takes over a percentage below 100 if it is a growth. */
  advance(percent: number, recorded = notRecorded): void {
    if (percent <= this.#percent || percent >= 100) return;
    this.#percent = percent;
    this.#tell({ kind: 'percent', percent, recorded });
  }

  waitAt(place: QueuePlace | undefined): void {
    if (place?.queue === this.#place?.queue && place?.position === this.#place?.position) return;
    this.#place = place;
    this.#tell({ kind: 'place', place });
  }

  describe(detail: StatusDetail): void {
    if (detail.activity === this.#detail.activity && detail.error === this.#detail.error) return;
    this.#detail = detail;
    this.#tell({ kind: 'detail', detail });
  }

  #tell(change: BuildChange): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }
}
