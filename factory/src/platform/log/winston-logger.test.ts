import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { describeError, errorLine } from './logger.js';
import { createMask } from '@imagefactory/plugin-api';
import { winstonLogger } from './winston-logger.js';

describe('winstonLogger', () => {
  it('writes by level and style, scrubbed, one event per message', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'winston-test-'));
    const stream = new PassThrough();
    const file = join(directory, 'x.log');
    const log = winstonLogger(
      [
        { to: file, level: 'debug', style: 'full' },
        { to: stream, level: 'notice', style: 'plain' },
      ],
      createMask(['geheim']),
    );
    log.debug('d geheim');
    log.info('i');
    log.notice('n geheim');
    log.warn('w\n2026-01-01 ERROR forged\u001b[31m\r');
    log.error('e');
    await log.close();
    expect(String(stream.read())).to.equal(
      'n ***\nwarn: w\n    2026-01-01 ERROR forged\\u001b[31m\nerror: e\n',
    );
    const lines = (await readFile(file, 'utf8')).replace(/^\S+Z /gm, '');
    expect(lines).to.equal(
      'DEBUG  d ***\nINFO   i\nNOTICE n ***\nWARN   w\n    2026-01-01 ERROR forged\\u001b[31m\nERROR  e\n',
    );
    await rm(directory, { recursive: true });
  });

  it('closes although a sink is broken', async () => {
    const log = winstonLogger([{ to: '/dev/full', level: 'debug', style: 'full' }], text => text);
    log.error('x');
    await log.close();
  });
});

describe('errors in the log', () => {
  it('are told with all their causes, or on one line', () => {
    const error = new Error('outer\nline', { cause: new Error('inner', { cause: 'innermost' }) });
    expect(describeError(error)).to.match(
      /^Error: outer\nline\n[^]*\nCaused by: Error: inner\n[^]*\nCaused by: innermost$/,
    );
    expect(errorLine(error)).to.equal('outer line');
    expect(errorLine(Object.create(null))).to.equal('a value that cannot be shown');
    const circular = new Error('self');
    circular.cause = circular;
    expect(describeError(circular).split('Caused by').length).to.equal(10);
  });
});
