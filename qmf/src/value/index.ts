export * from './convert.js';
export * from './text.js';
export { shownText } from './text-limits.js';
export * from './value.js';
