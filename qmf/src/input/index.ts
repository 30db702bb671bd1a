export { nearest } from './nearest.js';
export { maskArguments, shownUrl } from './shown-url.js';
