import type { ImageKind, ImageStatus, JobKind, JobStatus } from './states.js';

/** A value as JSON has it. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

// Common to all records: ids are uuids in lower case, times are ISO 8601 in UTC with milliseconds, as Date.toISOString() writes them. Texts are
// well-formed Unicode: NUL and lone surrogates become U+FFFD. No field holds a secret.

/** A request for jobs, the line of the audit. */
export interface Order {
  readonly id: string;
  /** Name of the authenticated caller. */
  readonly caller: string;
  /** The caller's own key: a second order of the same caller with the same key is refused with the id of the first. */
  readonly orderKey?: string;
  /** The door that took the order: `qmf`, `rest`, `cli`. */
  readonly door: string;
  /** The use case: `build`, `push`, `import`, `delete`. */
  readonly action: string;
  readonly created: string;
}

export interface JobError {
  /** A code of docs/errors.md. */
  readonly type: string;
  /** One line. */
  readonly reason: string;
  /** Last lines of the log, and the outcome of the rollback. */
  readonly details?: JsonObject;
}

/** The one state of a job. */
export type JobState =
  | { readonly status: Exclude<JobStatus, 'completed' | 'failed'> }
  | { readonly status: 'completed'; readonly result: JsonObject }
  | { readonly status: 'failed'; readonly error: JobError };

export interface JobFields {
  readonly id: string;
  readonly kind: JobKind;
  readonly orderId: string;
  /** The job whose image this one is made from; for a deletion, the deletion that includes this one. */
  readonly parent?: string;
  /** The image that the job makes or deletes. */
  readonly image?: string;
  readonly template?: string;
  readonly target?: string;
  readonly provider?: string;
  /** The caller's parameters for the plugins. */
  readonly parameters: JsonObject;
  /** What a door keeps with the job, such as its address on the bus and the number of the start that took it. */
  readonly door: JsonObject;
  /** 0 to 100. */
  readonly percent: number;
  readonly activity: string;
  /** Whether the job may be resumed after an interruption. */
  readonly resumable: boolean;
  /** How many times the death of the process has interrupted it. */
  readonly interruptions: number;
  /** Whether an orderly stop has left it to the next start. */
  readonly postponed: boolean;
  /** Whether the store keeps a secret of the job. */
  readonly secret: boolean;
  readonly created: string;
  readonly modified: string;
  readonly ended?: string;
}

export type Job = JobFields & JobState;

/** Something a job leaves on the machine: a process group, or a step of its rollback. Removed once it is gone. */
export interface Mark {
  readonly job: string;
  readonly kind: 'process' | 'rollback';
  /** Unique for its job and kind, such as the process group's id. */
  readonly name: string;
  readonly detail: JsonObject;
}

/** An image: what queries need of its `.meta` file. The body and the list of packages are files only. */
export interface Image {
  readonly id: string;
  readonly kind: ImageKind;
  readonly status: ImageStatus;
  /** The base image of a target image, the target image of a provider image; it may be unknown here. */
  readonly parent?: string;
  readonly batch?: string;
  readonly template?: string;
  readonly target?: string;
  readonly provider?: string;
  readonly identifierOnProvider?: string;
  /** Account at the provider. */
  readonly account?: string;
  /** 0 to 100. */
  readonly percent: number;
  readonly activity: string;
  /** One line. */
  readonly error?: string;
  readonly format?: string;
  /** Bytes of the body. */
  readonly size?: number;
  readonly sha256?: string;
  readonly os?: JsonObject;
  /** `image_uuid` as a caller of 2011 gave it: any text. */
  readonly callerImageUuid?: string;
  readonly parameters: JsonObject;
  readonly properties: JsonObject;
  /** Counts the changes of the record, from 1. */
  readonly revision: number;
  readonly created: string;
  readonly modified: string;
}

/** An image of 2012: it has batches, each with target images, which have provider images. */
export interface ImageSet {
  readonly id: string;
  /** `<image><name>…</name></image>` */
  readonly description: string;
  /** The batch that was pushed last. */
  readonly latestBatch?: string;
  /** The newest batch that has not been pushed. */
  readonly latestUnpushed?: string;
  readonly created: string;
}

/** A build of 2012: target images that belong together. */
export interface Batch {
  readonly id: string;
  readonly imageSet: string;
  /** The batch that this one follows. */
  readonly parent?: string;
  readonly created: string;
}

/** A template without its passwords. */
export interface StoredTemplate {
  readonly id: string;
  readonly text: string;
  readonly created: string;
  /** Last use, for retention. */
  readonly used: string;
}

export type StoreEventType = 'job.added' | 'job.state' | 'job.progress' | 'image.state' | 'image.removed';

/** One transition. Its data is complete in itself: the record may have changed again when a follower reads it. */
export interface StoreEvent {
  /** Grows by one with each event and never repeats; 1 is the first. */
  readonly sequence: number;
  readonly at: string;
  readonly type: StoreEventType;
  /** The event is removed with this job. */
  readonly job?: string;
  readonly image?: string;
  /**
   * `job.added`: kind, target, provider, parent. `job.state`: from, to, percent, activity, and error or result. `job.progress`: percent, activity.
   * `image.state`: kind, from (absent for a new image), to, error. `image.removed`: kind.
   */
  readonly data: JsonObject;
}

/** How far a reader of the events has come. */
export interface Follower {
  readonly name: string;
  /** Sequence of the last event that it has dealt with; 0 before the first. */
  readonly position: number;
  readonly modified: string;
}

/** The records that queries give, by the name of their table. */
export interface Records {
  readonly orders: Order;
  readonly jobs: Job;
  readonly marks: Mark;
  readonly images: Image;
  readonly imageSets: ImageSet;
  readonly batches: Batch;
  readonly templates: StoredTemplate;
  readonly events: StoreEvent;
  readonly followers: Follower;
}
export type TableName = keyof Records;
