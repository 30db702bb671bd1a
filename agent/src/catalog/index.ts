export type { EndFacts } from './book-keeping.js';
export { type BatchPlace, Catalog, CatalogError } from './catalog.js';
export {
  type BuildDocument,
  buildIn,
  type ImageDocument,
  imageDescription,
  type Outcome,
  type TargetImageDocument,
} from './documents.js';
