import type { OrderContext } from '@imagefactory/factory/orders';
import type { AgentSession } from '@imagefactory/qmf';
import type { ShownClasses } from '@imagefactory/schema';
import type { AdaptorIndex } from './adaptor-index.js';
import type { EventSender } from './event-sender.js';
import type { FinishedAdaptors } from './finished-adaptors.js';

/** The parts of the factory and of the bus that the objects on the bus work with. */
export interface FactoryParts extends OrderContext {
  readonly session: AgentSession;
  readonly events: EventSender;
  readonly finished: FinishedAdaptors;
  readonly adaptors: AdaptorIndex;
  /** The classes that consoles are told of. */
  readonly shown: ShownClasses;
}
