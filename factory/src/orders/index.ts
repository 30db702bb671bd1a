export { follow, type FollowOptions } from './follow.js';
export { type BuildInput, orderBuild } from './build.js';
export type { AcceptedOrder, Caller, OrderContext, OrderOptions, OrderRequest } from './context.js';
export { type Imported, type ImportInput, orderImport } from './import.js';
export { OrderError, type OrderErrorCode, orderErrors, type OrderField } from './order-error.js';
export { orderPush, orderTargetImagePush, type PushInput, type TargetImagePushInput } from './push.js';
export { type RestoredJob, restoreJobs } from './restore.js';
