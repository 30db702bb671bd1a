export { type DebianOptions, debianOs } from './debian/plugin.js';
