import { type Logger, loggerTo } from '../platform/log/index.js';

/** A logger that keeps its lines, each with its level before it. */
export function recordingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, ...loggerTo((level, message) => lines.push(`${level}: ${message}`)) };
}
