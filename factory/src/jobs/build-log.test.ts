import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { createBuildLog } from './build-log.js';
import { LogReader, logStanding } from './read-log.js';

describe('the log of a build', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'log-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const errors: unknown[] = [];
  const logAt = (path: string, limit?: number) =>
    createBuildLog(path, {
      mask: text => text.replaceAll('secret', '***'),
      onError: error => errors.push(error),
      ...(limit === undefined ? {} : { limit }),
    });

  it('has a line with time and level for each line', async () => {
    const log = logAt(join(directory, 'a.log'));
    log.info('first');
    log.error('a secret\nof two lines');
    log.debug(undefined as unknown as string);
    await log.flush();
    const text = await readFile(log.path, 'utf8');
    expect(text.replace(/^\S+Z /gm, '')).to.equal(
      'info  first\nerror a ***\nerror of two lines\ndebug undefined\n',
    );
    expect(text).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z info/);
  });

  it('ends at its limit and says so', async () => {
    const log = logAt(join(directory, 'b.log'), 200);
    for (let index = 0; index < 50; index++) log.info(`line ${index}`);
    await log.flush();
    const lines = (await readFile(log.path, 'utf8')).trim().split('\n');
    expect(lines.at(-1)).to.include('the log is full');
    expect(lines.length).to.be.lessThan(10);
    expect(log.last).to.equal(lines.length);
  });

  it('has room for how the build ends when a tool has filled it, and only for so much', async () => {
    const log = logAt(join(directory, 'f.log'), 200);
    for (let index = 0; index < 50; index++) log.debug(`line ${index}`);
    log.error('Failure encountered while: talking: it was too much');
    log.debug('more');
    await log.flush();
    const text = await readFile(log.path, 'utf8');
    expect(text.trim().split('\n').at(-1)).to.include('it was too much');
    expect(log.recent.at(-1)).to.include({ seq: text.trim().split('\n').length });
    for (let index = 0; index < 10; index++) log.error('x'.repeat(100_000));
    await log.flush();
    expect((await readFile(log.path, 'utf8')).length).to.be.lessThan(300_000);
  });

  it('is given up when the file cannot be written', async () => {
    const log = logAt(join(directory, 'no/such/directory.log'));
    log.info('x');
    await log.flush();
    log.info('y');
    await log.flush();
    expect(errors).to.have.lengthOf(1);
  });

  it('numbers its lines, for those who follow it, come late, or come after a restart', async () => {
    const path = join(directory, 'c.log');
    const log = logAt(path);
    const reader = new LogReader();
    log.info('one');
    const followed: string[] = [];
    const stop = log.onLine(({ seq, level, text }) => followed.push(`${seq} ${level} ${text}`));
    log.warn('two\nthree secret');
    stop();
    log.debug('four');
    await log.flush();
    expect(followed).to.deep.equal(['2 warn two', '3 warn three ***']);
    expect((await reader.lines(path, 1, 100)).map(line => line)).to.deep.equal(log.recent);
    expect((await reader.lines(path, 3, 1)).map(({ seq, text }) => `${seq} ${text}`)).to.deep.equal([
      '3 three ***',
    ]);
    expect(await reader.lines(join(directory, 'none.log'), 1, 1)).to.deep.equal([]);

    await appendFile(path, '2026-01-01T00:00:00.000Z info  cut sho');
    const begun = await logStanding(path);
    const again = createBuildLog(path, { mask: text => text, onError: error => errors.push(error), begun });
    again.info('six');
    await again.flush();
    expect((await reader.lines(path, 5, 9)).map(({ seq, text }) => `${seq} ${text}`)).to.deep.equal([
      '5 cut sho',
      '6 six',
    ]);
    expect(again.last).to.equal(6);
  });

  it('keeps its last 50 lines at hand', () => {
    const log = logAt(join(directory, 'd.log'));
    for (let index = 1; index <= 120; index++) log.info(`line ${index}`);
    expect(log.recent).to.have.lengthOf(50);
    expect(log.recent[0]).to.include({ seq: 71, text: 'line 71' });
  });
});
