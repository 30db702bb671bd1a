import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { v4 as uuidv4 } from 'uuid';
import { recordingLogger } from '../testing/recording-logger.js';
import { OldLogs } from './old-logs.js';

const day = 24 * 3_600_000;

describe('the logs of builds without an image', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'old-logs-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function file(name: string, age: number): Promise<string> {
    const path = join(directory, name);
    await writeFile(path, 'text');
    const then = new Date(Date.now() - age);
    await utimes(path, then, then);
    return name;
  }

  it('go a week after their last line, unless somebody may ask for the build, and no other file does', async () => {
    const [old, fresh, withImage, known] = [uuidv4(), uuidv4(), uuidv4(), uuidv4()];
    await file(`${old}.log`, 8 * day);
    const left = [
      await file(`${fresh}.log`, 6 * day),
      await file(`${withImage}.log`, 8 * day),
      await file(`${withImage}.meta`, 8 * day),
      await file(`${known}.log`, 8 * day),
      await file(`${uuidv4()}.body`, 8 * day),
      await file('imagefactory.log', 8 * day),
      await file('mine.log', 8 * day),
    ];
    const log = recordingLogger();
    await new OldLogs({ directory, known: () => new Set([known]), log }).stop();
    expect(await readdir(directory)).to.have.members(left);
    expect(log.lines).to.deep.equal([
      'info: 1 logs of builds without an image were removed: they are over a week old',
    ]);
  });

  it('are told of when they cannot be looked at', async () => {
    const log = recordingLogger();
    const missing = join(directory, 'missing');
    await new OldLogs({ directory: missing, known: () => new Set(), log }).stop();
    expect(log.lines.join()).to.match(/^warn: old logs of builds in .*missing could not be removed: ENOENT/);
  });
});
