export type { EndFacts } from './book-keeping.js';
export type { Expiry } from './expiry.js';
export type { Removed } from './upkeep.js';
export { type AdoptedBuild, type BatchPlace, Catalog, CatalogError } from './catalog.js';
export type { RecordedThing } from './changes.js';
export {
  type BuildDocument,
  buildIn,
  type ImageDocument,
  imageDescription,
  latestTemplate,
  type Outcome,
  type ProviderImageDocument,
  type TargetImageDocument,
} from './documents.js';
