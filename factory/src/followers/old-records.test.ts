import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { DirectoryImageManager, ImageSets, TargetImage } from '../images/index.js';
import { openMemoryStore, type Store } from '../store/index.js';
import { recordingLogger } from '../testing/recording-logger.js';
import { until } from '../testing/until.js';
import { OldRecords, type OldRecordsOptions } from './old-records.js';

const day = 24 * 3_600_000;
const today = Date.parse('2026-11-30T12:00:00Z');

describe('retention', () => {
  let directory: string;
  let store: Store;
  let sets: ImageSets;
  let images: DirectoryImageManager;
  let log: ReturnType<typeof recordingLogger>;
  let now: number;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'old-records-test-'));
    now = today;
    store = await openMemoryStore({ now: () => new Date(now) });
    sets = new ImageSets(store, () => new Date(now));
    images = await DirectoryImageManager.open(directory);
    log = recordingLogger();
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  async function failedBuild(days: number): Promise<string> {
    now = today - days * day;
    const place = await sets.place('', '');
    const id = randomUUID();
    await sets.addTargetImages(place, '<image/>', [{ id, target: 'mock', adaptor: id }]);
    const row = await store.get('images', id);
    const failure = { type: 'NoSpace', at: new Date(now).toISOString() };
    const values = {
      ...{ status: 'failed' as const, error: 'the disk is full' },
      properties: { ...row?.properties, failure },
    };
    await store.commit([{ change: 'image.update', id, values }]);
    now = today;
    return id;
  }
  const known = async (ids: readonly string[]): Promise<readonly boolean[]> =>
    await Promise.all(ids.map(async id => (await sets.imageOf(id)) !== undefined));

  function start(options: Partial<OldRecordsOptions> = {}): OldRecords {
    return new OldRecords({
      ...{ store, sets, images, log, days: 30, known: () => new Set<string>() },
      newest: new Date(today - day).toISOString(),
      ...{ now: () => now, elapsed: () => now - today, ...options },
    });
  }

  it('removes records after their time, unless a job has them, they wait for a warehouse, or are here again', async () => {
    const old = [await failedBuild(31), await failedBuild(400)];
    const young = await failedBuild(29);
    const [asked, waiting, fetched] = [await failedBuild(31), await failedBuild(31), await failedBuild(31)];
    const position = await store.count('events');
    await store.commit([{ change: 'follower.advance', name: `warehouse/target_image/${waiting}`, position }]);
    await images.addImage(new TargetImage({ identifier: fetched, target: 'mock', status: 'COMPLETE' }));
    const records = start({ known: () => new Set([asked]) });
    await until('they are gone', () => log.lines.length > 0);
    await records.stop();
    expect(log.lines.join('\n')).to.match(/^info.* 6 records and 0 templates were removed: .*30 days/);
    const left = [false, false, ...Array<boolean>(4).fill(true)];
    expect(await known([...old, young, asked, waiting, fetched])).to.deep.equal(left);
  });

  it('removes nothing when the clock has jumped against the newest record', async () => {
    const id = await failedBuild(1);
    for (const jump of [400, -400]) {
      const records = start({ now: () => today + jump * day });
      await records.stop();
    }
    expect(await known([id])).to.deep.equal([true]);
    expect(log.lines).to.have.lengthOf(2);
    expect(log.lines[0]).to.match(/^warn.*newest record is of 2026-11-29.*clock/);
  });

  it('removes nothing whose events a follower has not passed', async () => {
    const id = await failedBuild(31);
    await store.commit([{ change: 'follower.advance', name: 'warehouse', position: 1 }]);
    await start().stop();
    expect(await known([id])).to.deep.equal([true]);
    await store.commit([{ change: 'follower.advance', name: 'warehouse', position: 2 }]);
    const records = start();
    await until('it is gone', () => log.lines.length > 0);
    await records.stop();
    expect(await known([id])).to.deep.equal([false]);
  });

  it('logs what cannot be removed', async () => {
    await failedBuild(31);
    store.find = () => Promise.reject(new Error('the disk is broken'));
    const records = start();
    await until('it is logged', () => log.lines.length > 0);
    await records.stop();
    expect(log.lines.join('\n')).to.match(/^warn.*old records could not be removed: the disk is broken/);
  });
});
