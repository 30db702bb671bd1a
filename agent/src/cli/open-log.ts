import { createMask } from '@imagefactory/plugin-api';
import { type ClosableLogger, type LogLevel, winstonLogger } from '@imagefactory/factory/platform';
import { logFile } from './directories.js';
import type { DaemonFlags } from './program.js';

/** The daemon's log: standard output, or a file and, for what matters most, standard error. The secrets of the bus are in neither. */
export async function openLog(
  flags: DaemonFlags,
  secrets: readonly string[],
  images: string,
): Promise<ClosableLogger> {
  const level: LogLevel = flags.debug === true ? 'debug' : flags.verbose === true ? 'info' : 'notice';
  const scrub = createMask(secrets);
  if (flags.foreground === true) return winstonLogger([{ to: process.stdout, level, style: 'full' }], scrub);
  const file = await logFile(images);
  const log = winstonLogger(
    [
      { to: file, level, style: 'full' },
      { to: process.stderr, level: 'notice', style: 'plain' },
    ],
    scrub,
  );
  log.notice(`logging to ${file}; --foreground shows the log here`);
  return log;
}
