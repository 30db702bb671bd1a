export {
  describeError,
  errorLine,
  type Logger,
  loggerTo,
  type LogLevel,
  logLevels,
  silentLogger,
  textOf,
} from './logger.js';
export { type ClosableLogger, type LogSink, winstonLogger } from './winston-logger.js';
