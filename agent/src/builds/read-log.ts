import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { errorCode } from '../files/error-code.js';
import type { BuildLogLevel, BuildLogLine } from './build-log.js';

/**
 * Lines of a build's log file from number `from` on, at most `limit`. A line of another form, cut short by a crash, comes as it is.
 *
 * @param from 1 for the first line
 */
export async function readLogLines(
  path: string,
  from: number,
  limit: number,
): Promise<readonly BuildLogLine[]> {
  const lines: BuildLogLine[] = [];
  let seq = 0;
  for await (const text of textLines(path)) {
    seq++;
    if (seq >= from) lines.push(parseLine(seq, text));
    if (lines.length >= limit) break;
  }
  return lines;
}

/** How many lines a log file has, and whether the last one has no end. */
export async function logStanding(
  path: string,
): Promise<{ readonly lines: number; readonly cutShort: boolean }> {
  let lines = 0;
  let final = '\n';
  try {
    const chunks: AsyncIterable<Buffer> = createReadStream(path);
    for await (const chunk of chunks) {
      for (const byte of chunk) if (byte === 10) lines++;
      final = String.fromCharCode(chunk.at(-1) ?? 10);
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  const cutShort = final !== '\n';
  return { lines: cutShort ? lines + 1 : lines, cutShort };
}

async function* textLines(path: string): AsyncGenerator<string> {
  const stream = createReadStream(path, 'utf8');
  const reader = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  try {
    for await (const line of reader) yield line;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  } finally {
    reader.close();
    stream.destroy();
  }
}

const lineForm = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (debug|info|warn|error) {1,2}(.*)$/;

function parseLine(seq: number, line: string): BuildLogLine {
  const [, time, level, text] = lineForm.exec(line) ?? [];
  if (time === undefined || text === undefined) return { seq, time: '', level: 'info', text: line };
  return { seq, time, level: levelOf(level), text };
}

function levelOf(word: string | undefined): BuildLogLevel {
  return word === 'debug' || word === 'warn' || word === 'error' ? word : 'info';
}
