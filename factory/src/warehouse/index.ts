export { StoreRecords } from './store-records.js';
export { LocalRepository } from './local-repository.js';
export type { OAuthCredentials } from './oauth.js';
export {
  type AttributeChanges,
  type Attributes,
  type ObjectBody,
  type ObjectKind,
  objectKinds,
  pickAttributes,
  type Repository,
  type StoredObject,
  textOf,
  type TransferOptions,
} from './repository.js';
export { repositoryTemplates } from './templates.js';
export { WarehouseError, type WarehouseErrorCode, warehouseErrorCodes } from './warehouse-error.js';
export {
  type Buckets,
  defaultBuckets,
  type WarehouseOptions,
  WarehouseRepository,
} from './warehouse-repository.js';
