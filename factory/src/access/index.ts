export { type AccessList, anonymous, openAccess, readAccessList } from './access-list.js';
export { type FairLimits, FairQueue } from './fair-queue.js';
export { OverQuota } from './over-quota.js';
export { Quota, type QuotaLimits } from './quota.js';
