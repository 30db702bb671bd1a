export { type AttachmentKind, buildLogPath } from './image-files.js';
export {
  DirectoryImageManager,
  type DirectoryImageManagerOptions,
  makeImageDirectory,
} from './directory-image-manager.js';
export type { MetaProblem } from './directory-index.js';
export { DirectoryStore, type DirectoryStoreOptions } from './directory-store.js';
export { ImageError, type ImageErrorCode, imageErrorCodes } from './image-error.js';
export type {
  AddImageOptions,
  BodySource,
  DeleteOptions,
  PersistentImageManager,
} from './image-manager.js';
export { imageOf, type ImageRecord } from './image-record.js';
export type {
  AddOptions,
  BaseOrder,
  ImageFacts,
  ImageOrder,
  ImageStanding,
  ImageStore,
  ProviderFacts,
  StoredImage,
} from './image-store.js';
export {
  type AnyImage,
  BaseImage,
  type GuestSystem,
  type ImageFields,
  type ImageKind,
  imageKinds,
  newImageIdentifier,
  PersistentImage,
  ProviderImage,
  type ProviderFields,
  type StatusDetail,
  type TargetFields,
  TargetImage,
} from './persistent-image.js';
export {
  type Condition,
  type ImageQuery,
  type Operator,
  normalisedField,
  operators,
  type Order,
  type Page,
  type Where,
} from './query.js';
export { fieldKind, imageFields, imageFieldValues, imageNumbers } from './query-fields.js';
export {
  type ImageProblem,
  type ImageProblemKind,
  imageProblemKinds,
  verifyImages,
  type VerifyOptions,
  type VerifyReport,
} from './verify.js';
export { type ImageStatus, imageTransitions } from './status.js';
export * from './sets/index.js';
