export { type AccessList, openAccess, readAccessList } from './access-list.js';
export { type FairLimits, FairQueue } from './fair-queue.js';
export { accessGate, type GateOptions } from './gate.js';
export { shownCaller } from './shown.js';
export { OverQuota } from './over-quota.js';
export { Quota, type QuotaLimits } from './quota.js';
