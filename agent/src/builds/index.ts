export { allDone } from './all-done.js';
export type { Archive, FinishedWork } from './archive.js';
export {
  Build,
  type BuildChange,
  type BuildOrder,
  type FetchContext,
  jobWord,
  type QueuePlace,
  type RecordFacts,
  type RemoteImage,
  type StatusDetail,
} from './build.js';
export type { BuildLogLevel, BuildLogLine } from './build-log.js';
export { BuildEngine } from './engine.js';
export type {
  BuildRequest,
  EngineJournal,
  EngineOptions,
  EngineStop,
  PushRequest,
} from './engine-options.js';
export { jobsOnRecord, openOwnJournal, type OwnJournal } from './journal/own-journal.js';
export { OldLogs } from './old-logs.js';
export { inPluginScope } from './plugin-scope.js';
export { type BuildPlan, PluginSet } from './plugins.js';
export type { RecoveredBuild } from './recovery.js';
export { imagesInJournal } from './restart.js';
export type { QueueLimits, QueueLoad } from './resources/queues.js';
export {
  allTransitions,
  type BuildFailure,
  type BuildState,
  type BuildStatus,
  buildTransitions,
  isEnd,
  resumptionRows,
  transitionRows,
} from './status.js';
