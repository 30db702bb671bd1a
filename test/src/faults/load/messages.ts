/** What the agent under load is told at its start, as JSON in its first argument. */
export interface LoadOrder {
  readonly url: string;
  readonly domain: string;
  readonly seconds: number;
  /** Events a second. */
  readonly rate: number;
}

/** What it tells its parent. */
export type LoadNews =
  | { readonly kind: 'ready' }
  /** Bytes in use once everything that is garbage was collected; one every second. */
  | { readonly kind: 'memory'; readonly heapUsed: number; readonly waiting: number }
  /** All builds have ended, and the broker has taken every event. */
  | { readonly kind: 'done'; readonly raised: number; readonly ended: Readonly<Record<string, string>> };

/** What its parent tells it. */
export type LoadCommand = 'go' | 'leave';
