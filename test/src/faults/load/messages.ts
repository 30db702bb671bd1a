/** What the agent under load is told at its start, as JSON in its first argument. */
export interface LoadOrder {
  readonly url: string;
  readonly domain: string;
  /** Events a second. */
  readonly rate: number;
}

/** What it tells its parent. */
export type LoadNews = { readonly kind: 'ready' } | LoadDone;

/** All builds of a run have ended, and the broker has taken every event. */
export interface LoadDone {
  readonly kind: 'done';
  /** Events of this run. */
  readonly raised: number;
  /** The statuses in which the builds of this run have ended, by the names of their adaptors. */
  readonly ended: Readonly<Record<string, string>>;
  /** Bytes that the agent holds, buffers too, once everything that is garbage was collected. */
  readonly memory: number;
}

/** What its parent tells it; a run raises events for so many seconds. */
export type LoadCommand = { readonly kind: 'run'; readonly seconds: number } | { readonly kind: 'leave' };
