export { mockCloud } from './cloud.js';
export { mockOs } from './os.js';
export type { MockOptions } from './steps.js';
export { mockPlugins as default } from './package.js';
