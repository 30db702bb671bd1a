export { Build, type ChangesOptions } from './build.js';
export type { BuildDetail } from './build-detail.js';
export type { LogLine, LogOptions } from './build-log.js';
export { BuildFailedError, type BuildState } from './tracking/build-state.js';
export type { BuildChange, ChangeOrigin } from './tracking/build-change.js';
export type { CamelCase, CamelKeys } from './camel-case.js';
export { type ConnectedConsole, connectConsole, type FindFactoryOptions } from './connect.js';
export type { ConnectOptions } from './connect-options.js';
export type { Progress, ProgressView } from './terminal/progress.js';
export { type BuildImageInputs, Factory } from './factory.js';
export type {
  BuildImagesInputs,
  ImageInputs,
  ImportedImage,
  ImportImageInputs,
  InstanceStates,
  OrderKey,
  ProviderImageInputs,
  PushImageInputs,
  StatefulClass,
} from './factory-inputs.js';
export {
  type BuildRecord,
  type ImageOutcome,
  type ImageRecord,
  partOf,
  type ProviderImageRecord,
  type TargetImageRecord,
} from './image-record.js';
export type { Delivery } from './tracking/delivery.js';
export type { EventsOptions, StreamDelivery } from './factory-events.js';
export type { FactoryEvent, FactoryEventsOptions } from './records/followed-events.js';
export type {
  FieldCondition,
  JobRecord,
  RecordPage,
  RecordQuery,
  StoredImage,
} from './records/queries.js';
export type { ImportEvent, OtherEvent } from './records/recorded-event.js';
export { terminalProgress } from './terminal/terminal-progress.js';
// What a program needs beside the above, so that it depends on one package.
export {
  addressFromPlain,
  addressToPlain,
  QmfError,
  type QmfErrorCode,
  type ReceivedEvent,
  Severity,
  type TypedEvent,
} from '@imagefactory/qmf';
export {
  BuildAdaptor,
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
  type BuildStatus,
  ImageFactory,
  isTerminal,
} from '@imagefactory/schema';
