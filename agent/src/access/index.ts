export { type AccessList, openAccess, readAccessList } from './access-list.js';
export { accessGate, type GateOptions } from './gate.js';
export { shownCaller } from './shown.js';
