import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { createBuildLog } from './build-log.js';

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
  });

  it('is given up when the file cannot be written', async () => {
    const log = logAt(join(directory, 'no/such/directory.log'));
    log.info('x');
    await log.flush();
    log.info('y');
    await log.flush();
    expect(errors).to.have.lengthOf(1);
  });
});
