export { type BuildFailure, type BuildStatus, buildTransitions } from './builds/index.js';
export type { StoredImage } from './images/index.js';
export {
  createScrubber,
  type Logger,
  loggerTo,
  type LogLevel,
  logLevels,
  silentLogger,
} from './log/index.js';
export {
  type AgentOptions,
  bundledPlugins,
  type DoctorReport,
  doctorReport,
  type PluginHealth,
  type RunningAgent,
  startAgent,
  type StopReport,
} from './runtime/index.js';
export {
  defaultTemplateLimit,
  describeProblem,
  parseTemplate,
  printTemplate,
  readTemplate,
  type ReadOptions,
  type RuleName,
  rules as templateRules,
  type TdlTemplate,
  TemplateError,
  type TemplateForm,
  type TemplateOptions,
  type TemplateProblem,
  type TemplateReading,
} from './templates/index.js';
