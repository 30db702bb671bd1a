import type { OrderContext, OrderRequest } from '@imagefactory/factory/orders';
import type { Store } from '@imagefactory/factory/store';
import type { AgentSession, CallGate } from '@imagefactory/qmf';
import type { ShownClasses } from '@imagefactory/schema';
import type { AdaptorIndex } from './adaptor-index.js';
import type { EventSender } from './event-sender.js';
import type { FinishedAdaptors } from './finished-adaptors.js';

/** The parts of the factory and of the bus that the objects on the bus work with. */
export interface FactoryParts extends OrderContext {
  readonly session: AgentSession;
  /** The record of jobs, images and events. */
  readonly record: Store;
  /** Lets calls through that their callers may make, and writes the audit. */
  readonly gate: CallGate;
  /** The caller's own key, in calls that have one. */
  readonly request?: OrderRequest;
  readonly events: EventSender;
  readonly finished: FinishedAdaptors;
  readonly adaptors: AdaptorIndex;
  /** The classes that consoles are told of. */
  readonly shown: ShownClasses;
}
