export { type BusyboxOptions, busyboxOs } from './busybox/plugin.js';
export { type DebianOptions, debianOs } from './debian/plugin.js';
export { debianPlugins as default } from './package.js';
