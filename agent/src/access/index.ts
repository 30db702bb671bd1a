export { type AccessList, openAccess, readAccessList } from './access-list.js';
export { accessGate } from './gate.js';
