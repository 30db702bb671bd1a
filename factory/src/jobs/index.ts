export type { Archive, FinishedWork } from './archive.js';
export {
  Build,
  type BuildChange,
  type BuildOrder,
  type FetchContext,
  jobWord,
  type QueuePlace,
  type Recorded,
  type RecordFacts,
  type RemoteImage,
  type StatusDetail,
} from './build.js';
export type { BuildLogLevel, BuildLogLine } from './build-log.js';
export { BuildEngine } from './engine.js';
export type {
  BuildRequest,
  EngineRecord,
  EngineOptions,
  EngineStop,
  PushRequest,
} from './engine-options.js';
export { importJournals } from './record/import-journals.js';
export { buildStatus, type JobOnRecord, shownObject } from './record/job-form.js';
export { JobRecords, type NewRecord, readersOfAll } from './record/job-records.js';
export { OldLogs } from './old-logs.js';
export type { RecoveredBuild } from './recovery.js';
export { imagesAtWork } from './restart.js';
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
