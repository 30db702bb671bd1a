import type { RemoteImages } from '../followers/index.js';
import type { BatchPlace, ImageSets, ImageStore } from '../images/index.js';
import type { Build, BuildEngine } from '../jobs/index.js';
import type { Logger } from '../platform/index.js';
import type { ProviderDirectory } from '../plugins/index.js';
import type { TemplateSources } from '../templates/index.js';

/** The parts of the factory that orders work with. */
export interface OrderContext {
  readonly engine: BuildEngine;
  readonly store: Pick<ImageStore, 'get'>;
  /** Target images that are elsewhere and can be pushed from here; absent without a warehouse. */
  readonly remote: RemoteImages | undefined;
  /** Where a template that an order names is found. */
  readonly templates: TemplateSources;
  readonly catalog: ImageSets;
  readonly providers: ProviderDirectory;
  readonly log: Logger;
}

/** How an order came in. */
export interface OrderOptions {
  readonly caller: Caller;
  /** Ends the search for a template or an image elsewhere. */
  readonly signal?: AbortSignal;
  /** The name under which the door shows a job; it is kept with the job. */
  readonly nameOf: (job: string) => string;
  readonly request?: OrderRequest;
}

/** An order that its caller has given a key, so that it is carried out once. */
export interface OrderRequest {
  /** The order's id: a uuid. */
  readonly orderId: string;
  /** Unique among the orders of the caller. */
  readonly orderKey: string;
}

export interface Caller {
  /** By which shares are counted. */
  readonly key: string;
  /** For people: the log and the audit. */
  readonly name: string;
}

/** An order that is on record. Its jobs are `NEW` until {@link start}. */
export interface AcceptedOrder {
  readonly place: BatchPlace;
  /** One for each target or provider, in their order. */
  readonly jobs: readonly Build[];
  /** Starts the jobs: once the caller knows their ids, so that no event about them comes first. */
  start(): void;
}
