import type { AgentSession } from '@imagefactory/qmf';
import type { ShownClasses } from '@imagefactory/schema';
import type { RemoteImages } from '../archive/index.js';
import type { BuildEngine } from '../builds/index.js';
import type { Catalog } from '../catalog/index.js';
import type { ImageStore } from '../images/index.js';
import type { Logger } from '../log/index.js';
import type { ProviderDirectory } from '../providers/index.js';
import type { TemplateSources } from '../templates/index.js';
import type { AdaptorIndex } from './adaptor-index.js';
import type { EventSender } from './event-sender.js';
import type { FinishedAdaptors } from './finished-adaptors.js';

/** What the objects on the bus work with. */
export interface FactoryParts {
  readonly session: AgentSession;
  readonly engine: BuildEngine;
  readonly store: Pick<ImageStore, 'get'>;
  /** Target images that are elsewhere and can be pushed from here; absent without a warehouse. */
  readonly remote: RemoteImages | undefined;
  readonly events: EventSender;
  readonly finished: FinishedAdaptors;
  /** What a descriptor may name instead of being the template's text. */
  readonly templates: TemplateSources;
  readonly catalog: Catalog;
  readonly adaptors: AdaptorIndex;
  readonly providers: ProviderDirectory;
  /** The classes that consoles are told of. */
  readonly shown: ShownClasses;
  readonly log: Logger;
}
