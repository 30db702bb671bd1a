import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { DirectoryImageManager, type ImageRecord, rowOfRecord, TargetImage } from '../images/index.js';
import { templateId } from '../templates/index.js';
import { type Change, openStore, openStoreForReading, type Store, StoreError } from '../store/index.js';
import { rejection } from '../testing/until.js';
import { checkFactory, rebuildStore } from './index.js';

/** In templates, secrets and files of the original: never in a database. */
const secret = 'hunter2-of-the-rebuild';
const os = (password: string): string =>
  `<os><name>Fedora</name><version>14</version><arch>x86_64</arch><rootpw>${password}</rootpw><install type="url"><url>http://h/</url></install></os>`;
const template = (password: string): string => `<template><name>web</name>${os(password)}</template>`;

describe('maintenance of a factory', () => {
  let directory: string;
  let images: DirectoryImageManager;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'maintenance-test-'));
    images = await DirectoryImageManager.open(directory);
  });
  afterEach(() => rm(directory, { recursive: true }));

  const using = async <T>(work: (store: Store) => Promise<T>): Promise<T> => {
    const store = await openStore(join(directory, 'store'));
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  };
  const check = async (): Promise<readonly string[]> => {
    const store = openStoreForReading(join(directory, 'store'));
    const found = await checkFactory(directory, store).finally(() => store.close());
    return found.map(({ problem, remedy }) => `${problem}; ${remedy}`);
  };

  /** A complete target image with its files and rows. */
  async function built(
    store: Store,
  ): Promise<{ readonly id: string; readonly batch: string; readonly set: string }> {
    const [id, batch, set] = [randomUUID(), randomUUID(), randomUUID()];
    const body = join(directory, 'source');
    await writeFile(body, 'QFI\xfbxxxx', 'latin1');
    const image = new TargetImage({
      identifier: id,
      target: 'mock',
      status: 'COMPLETE',
      template: template('***'),
    });
    await images.addImage(image, { body: { kind: 'move', path: body } });
    const text = template('***');
    const row = { ...rowOfRecord(images.recordOf(image)), template: templateId(text) };
    await store.commit([
      { change: 'image_set.put', imageSet: { id: set, description: '<image/>', latestUnpushed: batch } },
      { change: 'batch.put', batch: { id: batch, imageSet: set } },
      { change: 'template.put', template: { id: row.template, text } },
      { change: 'image.put', image: { ...row, batch, properties: { adaptor: id } } },
    ]);
    return { id, batch, set };
  }

  /** Adds a job that waits, with its secret. */
  async function waiting(store: Store): Promise<string> {
    const [id, orderId] = [randomUUID(), randomUUID()];
    const changes: readonly Change[] = [
      { change: 'order.add', order: { id: orderId, caller: 'anna', door: 'qmf', action: 'build' } },
      { change: 'job.add', job: { id, kind: 'target', orderId }, secret },
    ];
    await store.commit(changes);
    return id;
  }

  /** Files as the original wrote them. */
  async function original(status: string): Promise<string> {
    const id = randomUUID();
    const record = {
      ...{ status, identifier: id, target: 'mock', parameters: {}, icicle: null, base_image_id: 'nope' },
      ...{ status_detail: { error: null, activity: 'as it was' }, template: template(secret) },
      ...{ percent_complete: 0, type: 'TargetImage', properties: {}, data: `/old/${id}.body` },
    };
    await writeFile(join(directory, `${id}.meta`), JSON.stringify(record));
    await writeFile(join(directory, `${id}.body`), 'a body');
    return id;
  }

  /** All files of the directory that hold the secret word, by name. */
  async function withSecret(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const name of await readdir(directory, { recursive: true })) {
      const path = join(directory, name);
      if ((await stat(path)).isFile() && (await readFile(path)).includes(secret)) found.push(name);
    }
    return found;
  }

  it('finds no disagreement where there is none, beside the process that has the store open and without', async () => {
    await using(async store => {
      await built(store);
      await waiting(store);
      expect(await check()).to.deep.equal([]);
    });
    expect(await check()).to.deep.equal([]);
  });

  it('finds each disagreement of database, files, secrets and logs, and names a remedy', async () => {
    const [differs, changed, lost, damaged, unknown] = await using(async store => {
      const all = [await built(store), await built(store), await built(store), await built(store)] as const;
      const row = await store.get('images', all[1].id);
      if (row === undefined) throw new Error('the row is gone');
      await store.commit([{ change: 'image.put', image: { ...row, size: 7 } }]);
      return [...all.map(({ id }) => id), await original('COMPLETE')] as const;
    });
    const failed = new TargetImage({ identifier: differs, target: 'mock', status: 'FAILED' });
    await writeFile(join(directory, `${differs}.meta`), JSON.stringify(images.recordOf(failed)));
    await rm(join(directory, `${lost}.meta`));
    await writeFile(join(directory, `${damaged}.meta`), '{"identifier":');
    await appendFile(join(directory, `${changed}.body`), 'more');
    const [running, needless] = [randomUUID(), randomUUID()];
    await using(async store => {
      const id = await waiting(store);
      await rm(join(directory, 'store', 'secrets', id));
      const job = {
        id: running,
        kind: 'target' as const,
        orderId: (await store.find('orders')).items[0]?.id ?? '',
      };
      await store.commit([
        { change: 'job.add', job },
        { change: 'job.state', id: running, state: { status: 'preparing' } },
        { change: 'job.state', id: running, state: { status: 'running' } },
      ]);
      await writeFile(join(directory, 'store', 'secrets', needless), secret);
      const found = (await check()).join('\n');
      for (const expected of [
        new RegExp(`image ${differs} is complete in the database, and failed in .*store rebuild`),
        new RegExp(`image ${changed} has size 7 in the database, and 8 in .*image verify ${changed}`),
        new RegExp(`${changed}.body: the body has 12 bytes instead of 8; restore`),
        new RegExp(
          `image ${lost} is complete in the database, and has no ${lost}.meta; restore .*store rebuild`,
        ),
        new RegExp(`${damaged}.meta: it is no JSON; restore`),
        new RegExp(`${unknown}.meta is there, and the database has no image ${unknown}; start the agent`),
        new RegExp(`the secret of job ${id} is lost; abort job ${id}`),
        new RegExp(`secrets/${needless} is a secret that no job needs; start the agent`),
        new RegExp(`job ${running} is at work, and its log .*${running}.log is gone; restore`),
      ])
        expect(found).to.match(expected);
      expect(found.split('\n')).to.have.lengthOf(9);
    });
  });

  it('is helped by its remedies', async () => {
    const [lost, differs] = await using(async store => [await built(store), await built(store)] as const);
    const unknown = await original('COMPLETE');
    await rm(join(directory, `${lost.id}.meta`));
    await rm(join(directory, `${lost.id}.body`));
    const failed = new TargetImage({ identifier: differs.id, target: 'mock', status: 'FAILED' });
    await writeFile(join(directory, `${differs.id}.meta`), JSON.stringify(images.recordOf(failed)));
    expect(await check()).to.have.lengthOf(3);
    const { lost: reported } = await rebuildStore(directory);
    expect(reported).to.deep.equal([`image ${lost.id}, whose files are gone; it is recorded as deleted`]);
    expect(await check()).to.deep.equal([]);
    await using(async store => {
      expect(await store.get('images', lost.id)).to.include({ status: 'deleted', batch: lost.batch });
      expect(await store.get('images', differs.id)).to.include({ status: 'failed', batch: differs.batch });
      expect(await store.get('images', unknown)).to.include({ status: 'complete', parent: 'nope' });
    });
  });

  it('rebuilds the database from the files, those of the original included, and lists the records that are lost', async () => {
    const interrupted = await original('BUILDING');
    const taken = await original('COMPLETE');
    const { image, job, newest } = await using(async store => {
      const made = await built(store);
      const id = await waiting(store);
      await store.commit([{ change: 'follower.advance', name: 'bus', position: 1 }]);
      return { image: made, job: id, newest: (await store.find('events')).items.at(-1)?.sequence ?? 0 };
    });
    const report = await rebuildStore(directory);
    expect(report).to.deep.include({
      images: 3,
      imageSets: 1,
      aside: join(directory, 'store', 'store.db.old'),
    });
    expect(report.lost).to.deep.equal([
      `job ${job} (target, new): order it again`,
      `the secret of job ${job}, which is removed at the next start`,
    ]);
    await using(async store => {
      expect(await store.check()).to.deep.equal([]);
      expect(await store.get('images', image.id)).to.include({
        status: 'complete',
        batch: image.batch,
        size: 8,
      });
      expect(await store.get('imageSets', image.set)).to.include({ latestUnpushed: image.batch });
      expect(await store.get('images', interrupted)).to.include({ status: 'failed', activity: 'as it was' });
      const row = await store.get('images', taken);
      expect(row).to.include({ kind: 'target', status: 'complete', target: 'mock' });
      expect((await store.get('templates', row?.template ?? ''))?.text).to.equal(template('***'));
      expect(await store.count('jobs')).to.equal(0);
      expect(await store.count('followers')).to.equal(0);
      const [event] = await store.commit([
        { change: 'image.put', image: rowOfRecord(newRecord(randomUUID())) },
      ]);
      expect(event?.sequence).to.be.greaterThan(newest);
      expect(await readdir(join(directory, 'store'))).to.not.include('rebuild');
      await store.backup(join(directory, 'backup.db'));
    });
    // Those of the original alone: not the old database, not the new one, not the backup.
    expect(await withSecret()).to.have.members([`${interrupted}.meta`, `${taken}.meta`]);
  });

  it('rebuilds from the files alone when the old database is damaged, or there is none', async () => {
    const { id } = await using(async store => {
      await waiting(store);
      return await built(store);
    });
    const database = join(directory, 'store', 'store.db');
    await writeFile(database, Buffer.alloc(20_000, 0x55));
    const report = await rebuildStore(directory);
    expect(report.lost[0]).to.match(/^jobs, orders and events, and the image sets.*cannot be read/);
    expect(report.lost[1]).to.match(/^the secret of job /);
    await using(async store => {
      const row = await store.get('images', id);
      expect(row).to.include({ status: 'complete', size: 8 });
      expect(row).to.not.have.property('batch');
    });
    await rm(join(directory, 'store'), { recursive: true });
    expect(await rebuildStore(directory)).to.include({ images: 1, imageSets: 0, templates: 1 });
  });

  it('is refused while a process has the store open, and leaves all as it is when it is killed', async () => {
    const { id } = await using(async store => {
      const made = await built(store);
      const error = await rejection(rebuildStore(directory));
      expect(error).to.be.instanceOf(StoreError).and.include({ code: 'in_use' });
      return made;
    });
    // What a kill in the middle of it leaves.
    await mkdir(join(directory, 'store', 'rebuild'));
    await writeFile(join(directory, 'store', 'rebuild', 'store.db'), 'half a database');
    expect(await check()).to.deep.equal([]);
    expect(await rebuildStore(directory)).to.include({ images: 1 });
    await using(async store => expect(await store.get('images', id)).to.include({ id }));
  });
});

function newRecord(identifier: string): ImageRecord {
  const at = new Date().toISOString();
  return {
    ...{ identifier, type: 'TargetImage', status: 'COMPLETE', created: at, modified: at, revision: 1 },
    target: 'mock',
  };
}
