export { loadPlugins, PluginLoadError, pluginsOf, type PluginSource } from './load.js';
export { inPluginScope } from './plugin-scope.js';
export { type BuildPlan, PluginSet } from './plugins.js';
export * from './providers/index.js';
