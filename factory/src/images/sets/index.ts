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
export { deleteImage, type DeletionContext, type DeletionOptions } from './delete-images.js';
export { importCatalog } from './import-catalog.js';
export { addMissingRows, imagesInWork, rowOfRecord } from './meta-rows.js';
export { type Expiry } from './expiry.js';
export { type Removed, removeOld } from './upkeep.js';
export { allOf } from './rows.js';
export type { EndFacts } from './rules.js';
