export * from './choose.js';
export * from './dialect.js';
