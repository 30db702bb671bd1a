export { type CallOptions, Factory, openFactory, type OrderedJob } from './factory.js';
export { type FactoryOptions, longestTimer, whole, within } from './options.js';
export {
  type BuildInput,
  type FollowOptions,
  type Imported,
  type ImportInput,
  OrderError,
  type OrderErrorCode,
  type OrderField,
  type PushInput,
  type TargetImagePushInput,
} from './orders/index.js';
export type {
  Condition,
  Image,
  ImageStatus,
  Job,
  JobStatus,
  Page,
  Query,
  StoredTemplate,
  StoreEvent,
} from './store/index.js';
