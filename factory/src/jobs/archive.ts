import type { BuildLog, Progress } from '@imagefactory/plugin-api';
import type { BuildOrder } from './build.js';
import type { FinishedImage } from './status.js';

/** An image that is in the store, and whose build has not told yet that it is over. */
export interface FinishedWork {
  readonly order: BuildOrder;
  readonly image: FinishedImage;
  /** The build's log. */
  readonly log: BuildLog;
  readonly progress: Progress;
  /** Aborted when the build is to come to its end at once. */
  readonly signal: AbortSignal;
}

/** Where finished images are put on record, before anybody hears that they are finished: who does may ask for them at once. */
export interface Archive {
  /** Never rejects: an image that is made is not lost for what its record lacks. */
  keep(work: FinishedWork): Promise<void>;
}
