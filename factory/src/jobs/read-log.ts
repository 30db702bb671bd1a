import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errorCode } from '../platform/files/error-code.js';
import type { BuildLogLevel, BuildLogLine } from './build-log.js';
import { LineIndex } from './line-index.js';

const lineFeed = 10;
/** Bytes that are read at a time. */
const chunkSize = 64 * 1024;
/** Files whose lines are remembered; the one that was asked for longest ago is forgotten first. */
const filesLimit = 64;

/** What reading needs of an open file. */
export type LogFile = Pick<FileHandle, 'read' | 'stat' | 'close'>;

/**
 * Reads lines of builds' log files by their numbers. It remembers where some of them begin, so that neither paging through a long log nor following
 * one begins at its start each time: after the first time a page costs the page, and a few lines before it.
 */
export class LogReader {
  readonly #indexes = new Map<string, LineIndex>();

  constructor(private readonly openFile: (path: string) => Promise<LogFile> = path => open(path)) {}

  /**
   * Lines from number `from` on, at most `limit`; none where there is no file. Ones of another form come as they are.
   *
   * @param from 1 for the first line
   * @param isOver nothing is being written any more: a last line without an end, cut short by a crash, counts too
   */
  async lines(path: string, from: number, limit: number, isOver = true): Promise<readonly BuildLogLine[]> {
    let file: LogFile;
    try {
      file = await this.openFile(path);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      this.#indexes.delete(path);
      return [];
    }
    try {
      return await readLines(file, await this.#indexOf(path, file), { from, limit, isOver });
    } finally {
      await file.close();
    }
  }

  async #indexOf(path: string, file: LogFile): Promise<LineIndex> {
    const { dev, ino, size } = await file.stat();
    const identity = `${dev}:${ino}`;
    const known = this.#indexes.get(path);
    this.#indexes.delete(path);
    const index = known?.identity === identity && known.size <= size ? known : new LineIndex(identity);
    // The last in the order of insertion is the one that was asked for last.
    this.#indexes.set(path, index);
    const [oldest] = this.#indexes.keys();
    if (this.#indexes.size > filesLimit && oldest !== undefined) this.#indexes.delete(oldest);
    return index;
  }
}

interface Range {
  readonly from: number;
  readonly limit: number;
  readonly isOver: boolean;
}

/** Lines end with a line feed and nothing else: tools print carriage returns in the middle of theirs. */
async function readLines(
  file: LogFile,
  index: LineIndex,
  { from, limit, isOver }: Range,
): Promise<readonly BuildLogLine[]> {
  const lines: BuildLogLine[] = [];
  const chunk = Buffer.allocUnsafe(chunkSize);
  let { seq, offset } = index.before(from);
  /** What earlier chunks have of the line at hand, if it is wanted. */
  let begun: Buffer[] = [];
  while (lines.length < limit) {
    const { bytesRead } = await file.read(chunk, 0, chunkSize, offset);
    if (bytesRead === 0) break;
    const bytes = chunk.subarray(0, bytesRead);
    let at = 0;
    for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, at)) {
      if (seq >= from) lines.push(parseLine(seq, [...begun, bytes.subarray(at, end)]));
      begun = [];
      at = end + 1;
      index.note({ seq: ++seq, offset: offset + at });
      if (lines.length === limit) return lines;
    }
    if (seq >= from) begun.push(Buffer.from(bytes.subarray(at)));
    offset += bytesRead;
  }
  const isCutShort = begun.some(({ length }) => length > 0);
  return isOver && isCutShort ? [...lines, parseLine(seq, begun)] : lines;
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
      for (const byte of chunk) if (byte === lineFeed) lines++;
      final = String.fromCharCode(chunk.at(-1) ?? 10);
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  const cutShort = final !== '\n';
  return { lines: cutShort ? lines + 1 : lines, cutShort };
}

const lineForm = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (debug|info|warn|error) {1,2}(.*)$/s;

function parseLine(seq: number, parts: readonly Buffer[]): BuildLogLine {
  const line = Buffer.concat(parts).toString('utf8');
  const [, time, level, text] = lineForm.exec(line) ?? [];
  if (time === undefined || text === undefined) return { seq, time: '', level: 'info', text: line };
  return { seq, time, level: levelOf(level), text };
}

function levelOf(word: string | undefined): BuildLogLevel {
  return word === 'debug' || word === 'warn' || word === 'error' ? word : 'info';
}
