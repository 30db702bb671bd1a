export { Build, type BuildChange, type BuildOrder, type QueuePlace, type StatusDetail } from './build.js';
export type { BuildLogLevel, BuildLogLine } from './build-log.js';
export {
  BuildEngine,
  type BuildRequest,
  type EngineJournal,
  type EngineOptions,
  type EngineStop,
  type PushRequest,
} from './engine.js';
export { JournalFile } from './journal/journal.js';
export { inPluginScope } from './plugin-scope.js';
export { type BuildPlan, PluginSet } from './plugins.js';
export type { RecoveredBuild } from './recovery.js';
export type { QueueLimits, QueueLoad } from './resources/queues.js';
export {
  type BuildFailure,
  type BuildState,
  type BuildStatus,
  buildTransitions,
  isEnd,
  transitionRows,
} from './status.js';
