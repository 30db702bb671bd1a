export * from './data-address.js';
export * from './data-item.js';
