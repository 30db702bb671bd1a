export * from './convert.js';
export * from './text.js';
export * from './value.js';
