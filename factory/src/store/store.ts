import type { Page, Query, Where } from './query.js';
import type {
  Batch,
  Image,
  ImageSet,
  JobFields,
  JobState,
  JsonObject,
  Mark,
  Order,
  Records,
  StoredTemplate,
  StoreEvent,
  TableName,
} from './records.js';

/** A new job has the status `new`. The store fills in the rest. */
export type NewJob = Pick<JobFields, 'id' | 'kind' | 'orderId'> &
  Partial<
    Pick<JobFields, 'parent' | 'image' | 'template' | 'target' | 'provider' | 'parameters' | 'door'> &
      Pick<JobFields, 'activity' | 'resumable'>
  >;

/** The store counts revisions and sets the times. Values that are left out are removed from the record. */
export type ImageInput = Omit<Image, 'revision' | 'created' | 'modified'> & Partial<Pick<Image, 'created'>>;

/** One change of a step. The events of a change are written by the store. */
export type Change =
  | { readonly change: 'order.add'; readonly order: Omit<Order, 'created'> }
  /**
   * The secret, such as credentials or a template with passwords, is kept in a file of its own until the job ends or `job.forget_secret`. Event
   * `job.added`.
   */
  | { readonly change: 'job.add'; readonly job: NewJob; readonly secret?: string }
  /** Event `job.state`. With `resumed` the transitions after a restart are legal too. */
  | {
      readonly change: 'job.state';
      readonly id: string;
      readonly state: JobState;
      readonly percent?: number;
      readonly activity?: string;
      readonly resumed?: boolean;
    }
  /** Event `job.progress` if percent or activity are given. Refused after the end of the job. */
  | {
      readonly change: 'job.update';
      readonly id: string;
      readonly percent?: number;
      readonly activity?: string;
      readonly postponed?: boolean;
      readonly resumable?: boolean;
      readonly interruptions?: number;
      readonly door?: JsonObject;
    }
  | { readonly change: 'job.mark'; readonly mark: Mark }
  | { readonly change: 'job.unmark'; readonly mark: Pick<Mark, 'job' | 'kind' | 'name'> }
  | { readonly change: 'job.forget_secret'; readonly id: string }
  /**
   * Removes a job that has ended, with its events and marks, and its order when no other job is left of that. Refused while a follower has not passed
   * its events.
   */
  | { readonly change: 'job.remove'; readonly id: string }
  /**
   * Adds or replaces an image. Event `image.state` if it is new or its status changes, removed with `job` if that is given. With `ifRevision` it is
   * refused when the record has another revision; 0 stands for an image that must be new.
   */
  | {
      readonly change: 'image.put';
      readonly image: ImageInput;
      readonly job?: string;
      readonly ifRevision?: number;
    }
  /**
   * Changes those fields of an image, and takes it to its status by way of those that lead there; events as of `image.put`. Without effect if there
   * is no such image.
   */
  | {
      readonly change: 'image.update';
      readonly id: string;
      readonly values: Partial<Omit<ImageInput, 'id' | 'kind' | 'created'>>;
      readonly job?: string;
    }
  /** Removes the record, and the events of the image that belong to no job. Event `image.removed` of `job`. */
  | { readonly change: 'image.remove'; readonly id: string; readonly job?: string }
  | { readonly change: 'image_set.put'; readonly imageSet: Omit<ImageSet, 'created'> }
  /** Refused while it has batches. */
  | { readonly change: 'image_set.remove'; readonly id: string }
  /** Refused for a batch of another image set. */
  | {
      readonly change: 'batch.put';
      readonly batch: Omit<Batch, 'created'> & Partial<Pick<Batch, 'created'>>;
    }
  /** Refused while it has images. */
  | { readonly change: 'batch.remove'; readonly id: string }
  /** Adds a template, or notes its use. The text of an id never changes. */
  | { readonly change: 'template.put'; readonly template: Pick<StoredTemplate, 'id' | 'text'> }
  /** Refused while a job or an image refers to it. */
  | { readonly change: 'template.remove'; readonly id: string }
  /** Positions never go back. */
  | { readonly change: 'follower.advance'; readonly name: string; readonly position: number }
  | { readonly change: 'follower.remove'; readonly name: string };

export interface StoreOptions {
  /** The clock. It is read once for each step. */
  readonly now?: () => Date;
}

/** A disagreement inside of the store, and its remedy. */
export interface Disagreement {
  readonly problem: string;
  readonly remedy: string;
}

/** Counters since the store was opened. */
export interface StoreStatistics {
  /** Steps that were recorded. */
  readonly steps: number;
  /** Transactions that recorded them: steps that wait together share one. */
  readonly commits: number;
}

/** Queries of the records. Every method rejects with a {@link StoreError}. */
export interface StoreReader {
  /** The record with that id; that sequence for events, that name for followers. Marks have none: find them. */
  get<T extends Exclude<TableName, 'marks'>>(
    table: T,
    id: Records[T] extends StoreEvent ? number : string,
  ): Promise<Records[T] | undefined>;

  /** @throws StoreError `invalid_query` with the name of the field */
  find<T extends TableName>(table: T, query?: Query): Promise<Page<Records[T]>>;

  /** @throws StoreError `invalid_query` */
  count(table: TableName, where?: Where): Promise<number>;

  /** The ids of all images, without reading the records. */
  imageIds(): Promise<readonly string[]>;

  /**
   * Writes a copy as of now to a new file with the mode 0600, while the store is in use. It holds no secrets.
   *
   * @throws StoreError `invalid` if there is a file of that name
   */
  backup(path: string): Promise<void>;

  /** Integrity of the database, and where its tables and the secrets disagree. */
  check(): Promise<readonly Disagreement[]>;

  /** Records the steps under way, then lets the directory go. Idempotent. */
  close(): Promise<void>;
}

/**
 * The record of the factory: jobs, images, templates, events, and the positions of the followers. One process has it open for writing. A step, and
 * the events of it, is recorded whole or not at all. Every method rejects with a {@link StoreError}; `closed` after {@link close}.
 */
export interface Store extends StoreReader {
  /**
   * Records one step. When the promise resolves, the step survives a power cut. Steps are recorded in the order of the calls.
   *
   * @returns the events of the step
   * @throws StoreError `invalid`, `not_found`, `conflict` or `duplicate_order` for a change that cannot be made, and `write_failed` when the
   *   disk refuses it; no change of the step is recorded then
   */
  commit(changes: readonly Change[]): Promise<readonly StoreEvent[]>;

  /** The secret of a job that waits; undefined when it has none, or it was deleted. */
  secret(job: string): Promise<string | undefined>;

  /**
   * Calls the listener after each commit that has events, with the sequence of the last one. For followers: read on from your position. An error of the
   * listener is an uncaught exception.
   *
   * @returns a function that removes the listener
   */
  onEvents(listener: (lastSequence: number) => void): () => void;

  statistics(): StoreStatistics;
}
