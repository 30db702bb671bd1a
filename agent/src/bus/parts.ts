import type { AgentSession } from '@imagefactory/qmf';
import type { ShownClasses } from '@imagefactory/schema';
import type { RemoteImages } from '@imagefactory/factory/followers';
import type { BuildEngine } from '@imagefactory/factory/jobs';
import type { Catalog } from '@imagefactory/factory/catalog';
import type { ImageStore } from '@imagefactory/factory/images';
import type { Logger } from '@imagefactory/factory/platform';
import type { ProviderDirectory } from '@imagefactory/factory/plugins';
import type { TemplateSources } from '@imagefactory/factory/templates';
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
