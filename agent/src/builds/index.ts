export { Build, type BuildChange, type BuildOrder } from './build.js';
export { BuildEngine, type BuildRequest, type EngineOptions, type EngineStop } from './engine.js';
export { inPluginScope } from './plugin-scope.js';
export { type BuildPlan, PluginSet } from './plugins.js';
export { type BuildFailure, type BuildState, type BuildStatus, buildTransitions, isEnd } from './status.js';
