import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { openMemoryStore, type Store } from '../../store/index.js';
import { recordingLogger } from '../../testing/recording-logger.js';
import type { ImageDocument } from './documents.js';
import { ImageSets } from './image-sets.js';
import { importCatalog } from './import-catalog.js';
import { allOf } from './rows.js';

const fixtures = resolve(import.meta.dirname, '../../../../test/fixtures/e5b99e1');

describe('the catalogue of a version before the store', () => {
  let images: string;
  let store: Store;
  let log: ReturnType<typeof recordingLogger>;
  beforeEach(async () => {
    images = await mkdtemp(join(tmpdir(), 'import-catalog-test-'));
    store = await openMemoryStore();
    log = recordingLogger();
  });
  afterEach(async () => {
    await store.close();
    await rm(images, { recursive: true, force: true });
  });

  const left = (name: string): Promise<void> =>
    cp(join(fixtures, name), images, { recursive: true, verbatimSymlinks: true });
  /** The documents of the files, by their ids. */
  async function documents(directory: string): Promise<ReadonlyMap<string, ImageDocument>> {
    const entries = await readdir(directory, { withFileTypes: true });
    const files = entries.filter(entry => entry.isFile() && entry.name.endsWith('.json'));
    const found = new Map<string, ImageDocument>();
    for (const { name } of files) {
      const text = await readFile(join(directory, name), 'utf8');
      found.set(name.slice(0, -5), JSON.parse(text) as ImageDocument); // a fixture
    }
    return found;
  }
  async function rows(): Promise<unknown> {
    const images = await allOf(store, 'images', []);
    const templates = await allOf(store, 'templates', []);
    const plain = images.map(row => ({ ...row, modified: '' }));
    return [plain.sort((a, b) => (a.id < b.id ? -1 : 1)), templates.map(({ id, text }) => [id, text]).sort()];
  }

  for (const name of ['resumable', 'not-resumable', 'untold']) {
    it(`is taken in as it was: ${name}`, async () => {
      await left(name);
      const before = await documents(join(images, 'catalog'));
      const templates = (await readdir(join(images, 'catalog', 'templates'))).length;
      await importCatalog(images, store, log);
      const sets = new ImageSets(store);
      expect(before.size).to.be.greaterThan(0);
      for (const [id, document] of before) expect(await sets.image(id)).to.deep.equal(document);
      expect(await store.count('templates')).to.equal(templates);
      expect(await documents(join(images, 'catalog.old'))).to.deep.equal(before);
      const finished = await allOf(store, 'images', { kind: 'target', status: 'complete' });
      for (const { size, sha256 } of finished) expect([size, sha256]).not.to.include(undefined);
    });
  }

  it('is taken in once, wherever the process is killed meanwhile', async () => {
    await left('resumable');
    await importCatalog(images, store, log);
    const whole = await rows();
    for (let steps = 0; ; steps++) {
      await store.close();
      store = await openMemoryStore();
      await rm(images, { recursive: true });
      await left('resumable');
      const commit = store.commit.bind(store);
      let done = 0;
      store.commit = changes => (done++ < steps ? commit(changes) : Promise.reject(new Error('killed')));
      const isKilled = await importCatalog(images, store, log).then(
        () => false,
        () => true,
      );
      store.commit = commit;
      await importCatalog(images, store, log);
      expect(await rows(), `killed after ${steps} steps`).to.deep.equal(whole);
      expect(await readdir(images))
        .to.include('catalog.old')
        .and.not.to.include('catalog');
      if (isKilled) continue;
      expect(steps).to.be.greaterThan(8);
      return;
    }
  });

  it('costs a damaged record itself, which stays, with a remedy', async () => {
    await left('untold');
    const [[id, document] = ['', undefined]] = await documents(join(images, 'catalog'));
    const other = 'ffffffff-0000-4000-8000-ffffffffffff';
    await writeFile(join(images, 'catalog', `${other}.json`), '{"id":');
    await importCatalog(images, store, log);
    expect(await new ImageSets(store).image(id)).to.deep.equal(document);
    const aside = join(images, 'catalog.old');
    expect(log.lines[0]).to.match(new RegExp(`^warn.*${other}.json is no JSON; mend the file in ${aside}`));
    // The remedy works.
    const mended = { id: other, description: '<image/>', builds: [] };
    const build = {
      id: other.replace('0000', '0001'),
      created: '2026-01-01T00:00:00.000Z',
      targetImages: [],
    };
    await cp(aside, join(images, 'catalog'), { recursive: true, verbatimSymlinks: true });
    await rm(aside, { recursive: true });
    const text = JSON.stringify({ ...mended, builds: [build] });
    await writeFile(join(images, 'catalog', `${other}.json`), text);
    await importCatalog(images, store, log);
    expect(await new ImageSets(store).image(other)).to.deep.equal({ ...mended, builds: [build] });
  });

  it('is nothing in a new directory', async () => {
    await importCatalog(images, store, log);
    expect(log.lines).to.deep.equal([]);
    expect(await readdir(images)).to.deep.equal([]);
  });
});
