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
export {
  type AdoptedBuild,
  type BatchPlace,
  CatalogError,
  ImageSets,
  type ImportedImage,
  type NewProviderImage,
  type NewTargetImage,
  type Recorder,
} from './image-sets.js';
export { allOf, puts, type RowFacts } from './rows.js';
export type { EndFacts } from './rules.js';
