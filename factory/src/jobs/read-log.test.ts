import { appendFile, mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { createBuildLog } from './build-log.js';
import { LineIndex } from './line-index.js';
import { LogReader, logStanding } from './read-log.js';

const time = '2026-01-01T00:00:00.000Z';
const texts = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `line ${index + 1} of what a tool says`);
const written = (lines: readonly string[]): string => lines.map(text => `${time} info  ${text}\n`).join('');

describe('reading the log of a build', () => {
  let directory: string;
  let path: string;
  let bytes: number;
  let reader: LogReader;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'read-log-test-'));
    path = join(directory, 'a.log');
    bytes = 0;
    reader = new LogReader(async name => {
      const file = await open(name);
      return {
        stat: file.stat.bind(file),
        close: () => file.close(),
        read: (async (buffer: Buffer, ...rest: [number, number, number]) => {
          const result = await file.read(buffer, ...rest);
          bytes += result.bytesRead;
          return result;
        }) as typeof file.read, // one of its many forms, which is the one that is used
      };
    });
  });
  afterEach(() => rm(directory, { recursive: true }));

  const page = async (from: number, limit: number): Promise<string[]> =>
    (await reader.lines(path, from, limit)).map(({ seq, text }) => `${seq} ${text}`);
  const expected = (all: readonly string[], from: number, limit: number): string[] =>
    all.slice(from - 1, from - 1 + limit).map((text, index) => `${from + index} ${text}`);

  it('costs the page, not the file, wherever the page is', async () => {
    const all = texts(100_000);
    const whole = written(all);
    await writeFile(path, whole);
    expect(await page(90_001, 1_000)).to.deep.equal(expected(all, 90_001, 1_000));
    expect(bytes, 'the first time it has to be found').to.be.below(whole.length);
    const size = whole.length / 100;
    for (const from of [90_001, 45_123, 1, 89_999]) {
      bytes = 0;
      expect(await page(from, 1_000)).to.deep.equal(expected(all, from, 1_000));
      // The page, up to 256 lines before it, and what the last chunk has behind it.
      expect(bytes, `lines from ${from}`).to.be.below(size * 1.3 + 65_536);
    }
  });

  it('costs the file once when it is paged through, and what is new when it is followed', async () => {
    const all = texts(50_000);
    await writeFile(path, written(all));
    const read: string[] = [];
    for (let from = 1; from <= all.length; from += 1_000) read.push(...(await page(from, 1_000)));
    expect(read).to.deep.equal(expected(all, 1, all.length));
    expect(bytes).to.be.below(written(all).length * 2.5);
    for (let round = 0; round < 20; round++) {
      await appendFile(path, written(['new']));
      bytes = 0;
      expect(await page(all.length + 1, 100)).to.deep.equal([`${all.push('new')} new`]);
      expect(bytes).to.be.below(300 * 60);
    }
  });

  it('gives the lines that there are, in every page of every file', async () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }).map(text => text.replaceAll('\n', ' ')),
      fc.integer({ min: 60_000, max: 70_000 }).map(length => 'ü'.repeat(length / 2)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 30 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })), {
          maxLength: 8,
        }),
        async (lines, pages) => {
          const all = lines.map(text => Buffer.from(text).toString('utf8'));
          await writeFile(path, written(all));
          for (const [from, limit] of pages) {
            expect(await page(from, limit)).to.deep.equal(expected(all, from, limit));
          }
          await rm(path);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has one line with a carriage return in it, numbered as when it was logged', async () => {
    const log = createBuildLog(path, { mask: text => text, onError: error => expect.fail(String(error)) });
    log.info('10 %\r20 %\u2028end');
    log.warn('next');
    await log.flush();
    expect(await reader.lines(path, 1, 9)).to.deep.equal(log.recent);
    expect((await logStanding(path)).lines).to.equal(2);
  });

  it('keeps back what has no end while it is being written, and gives it when all is over', async () => {
    await writeFile(path, `${written(['one'])}${time} info  tw`);
    expect(await reader.lines(path, 1, 9, false)).to.have.lengthOf(1);
    expect(await page(1, 9)).to.deep.equal(['1 one', '2 tw']);
    await appendFile(path, 'o\n');
    expect((await reader.lines(path, 2, 9, false)).map(({ text }) => text)).to.deep.equal(['two']);
  });

  it('begins anew with a file that is another one, or shorter', async () => {
    await writeFile(path, written(texts(10_000)));
    await page(9_999, 1);
    await truncate(path, 0);
    await appendFile(path, written(['a', 'b']));
    expect(await page(2, 5)).to.deep.equal(['2 b']);
    await rm(path);
    expect(await page(1, 5)).to.deep.equal([]);
    const longer = texts(20_000).map(text => `${text}, and more`);
    await writeFile(path, written(longer));
    expect(await page(15_000, 2)).to.deep.equal(expected(longer, 15_000, 2));
  });

  it('remembers a bounded number of places, each a true one', () => {
    const index = new LineIndex('file');
    const lines = 3_000_000;
    for (let seq = 2; seq <= lines; seq++) index.note({ seq, offset: (seq - 1) * 10 });
    expect(index.marks).to.be.within(2_000, 4_096);
    for (const seq of [1, 2, 1_000, 1_234_567, lines, lines + 5]) {
      const start = index.before(seq);
      expect(start.offset).to.equal((start.seq - 1) * 10);
      expect(start.seq).to.be.within(Math.max(1, Math.min(seq, lines) - 1_024), seq);
    }
  });
});
