import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { until } from '../testing/until.js';
import { Catalog, CatalogError, type ImageDocument } from './index.js';

const uuid = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`;
const completed = { outcome: { status: 'COMPLETED' } } as const;
const changer = fileURLToPath(new URL('changer.test.fixture.js', import.meta.url));

describe('changes of the catalogue', function () {
  this.timeout(180_000);
  let directory: string;
  let catalog: Catalog;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ledger-test-'));
    catalog = Catalog.open(directory);
  });
  afterEach(async () => {
    await catalog.settled();
    await rm(directory, { recursive: true });
  });

  function add(of: Catalog, image: string, build: string, id: string): Promise<void> {
    return of.addTargetImages({ image, build }, '<image/>', [{ id, target: 'mock', adaptor: id }]);
  }

  const targets = (image: ImageDocument | undefined): readonly string[] =>
    (image?.builds ?? []).flatMap(({ targetImages }) => targetImages.map(({ id }) => id));

  it('are on record here at once, and on the disk when they are told', async () => {
    const place = catalog.place('', '');
    const first = add(catalog, place.image, place.build, uuid('1'));
    const second = catalog.ended(uuid('1'), completed);
    expect(catalog.imageOf(uuid('1'))).to.include({ id: place.image, latestUnpushed: place.build });
    expect(catalog.imageOf(place.build)?.id).to.equal(place.image);
    expect(Catalog.open(directory).imageOf(uuid('1'))).to.equal(undefined);
    await Promise.all([first, second]);
    expect(Catalog.open(directory).imageOf(uuid('1'))).to.deep.equal(catalog.image(place.image));
    await catalog.settled();
    expect(await readdir(directory)).to.have.lengthOf(4);
  });

  it('are synced before they are told: the files before they get their names, the directory after that', async () => {
    const synced: number[] = [];
    const restore = watchSyncs(inode => synced.push(inode));
    try {
      const place = catalog.place('', '');
      const template = await catalog.templates.put('<template/>');
      for (const change of [
        () => add(catalog, place.image, place.build, uuid('1')),
        () => catalog.ended(uuid('1'), completed),
      ]) {
        synced.length = 0;
        const before = await inodes(directory);
        await change();
        const files = [...(await inodes(directory))].filter(inode => !before.has(inode));
        expect(files).not.to.deep.equal([]);
        expect(synced.slice(0, -1)).to.have.members(files);
        expect(synced.at(-1)).to.equal((await stat(directory)).ino);
      }
      synced.length = 0;
      await catalog.templates.put('<template><name>y</name></template>');
      expect(synced).to.have.lengthOf(2);
      expect(catalog.templates.get(template)).to.equal('<template/>');
    } finally {
      restore();
    }
  });

  it('go to the disk together when they come together', async () => {
    let syncs = 0;
    const restore = watchSyncs(() => syncs++);
    try {
      const { image, build } = catalog.place('', '');
      const digits = '0123456789abcdef'.split('');
      await Promise.all(digits.map(digit => add(catalog, image, build, uuid(digit))));
      // The image once or twice, and the directory as often.
      expect(syncs).to.be.at.most(4);
      expect(targets(Catalog.open(directory).image(image))).to.have.lengthOf(digits.length);
    } finally {
      restore();
    }
  });

  it('are written while their backup is made safe, and are told when they are in place after that', async () => {
    const synced: number[] = [];
    const restore = watchSyncs(inode => synced.push(inode));
    let letGo = (): void => undefined;
    try {
      const { image, build } = catalog.place('', '');
      const backup = new Promise<void>(resolve => (letGo = resolve));
      const target = { id: uuid('1'), target: 'mock', adaptor: uuid('1') };
      const noted = catalog.addTargetImages({ image, build }, '<image/>', [target], backup);
      await until('the file is written', () => synced.length > 0);
      expect(catalog.imageOf(uuid('1'))?.id).to.equal(image);
      expect((await readdir(directory)).filter(name => name.endsWith('.json'))).to.deep.equal([]);
      letGo();
      await noted;
      expect(targets(Catalog.open(directory).image(image))).to.deep.equal([uuid('1')]);
      expect(synced).to.have.lengthOf(1);
      await catalog.settled();
      expect(synced)
        .to.have.lengthOf(2)
        .and.include((await stat(directory)).ino);
    } finally {
      letGo();
      restore();
    }
  });

  it('are not made when their backup fails, and take no others along', async () => {
    const { image, build } = catalog.place('', '');
    await add(catalog, image, build, uuid('1'));
    const failure = new Error('the disk is full');
    const target = { id: uuid('2'), target: 'mock', adaptor: uuid('2') };
    const results = await Promise.allSettled([
      catalog.addTargetImages({ image, build }, '<image/>', [target], Promise.reject(failure)),
      catalog.ended(uuid('1'), completed),
      add(catalog, image, build, uuid('3')),
    ]);
    expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled', 'fulfilled']);
    expect(results[0]).to.include({ reason: failure });
    for (const one of [catalog, Catalog.open(directory)]) {
      expect(targets(one.image(image))).to.deep.equal([uuid('1'), uuid('3')]);
      expect(one.imageOf(uuid('2'))).to.equal(undefined);
    }
    expect((await readdir(directory)).filter(name => name.endsWith('.part'))).to.deep.equal([]);
  });

  it('by several processes at once are all kept', async () => {
    const { image, build } = catalog.place('', '');
    await add(catalog, image, build, uuid('1'));
    const children = [0, 1].map(() =>
      spawn(process.execPath, [changer, directory, image, '25'], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    const told = children.map(async child => {
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
      const [code] = (await once(child, 'close')) as [number | null];
      expect(code).to.equal(0);
      return text.trim().split('\n');
    });
    const mine: string[] = [];
    for (const digit of '23456789abcdef') {
      await add(catalog, image, catalog.place(image, '').build, uuid(digit));
      mine.push(uuid(digit));
    }
    const all = [uuid('1'), ...mine, ...(await Promise.all(told)).flat()];
    await catalog.settled();
    const known = catalog.image(image);
    expect(targets(known)).to.have.members(all);
    expect(all).to.have.lengthOf(65);
    for (const id of all) expect(catalog.imageOf(id)?.id).to.equal(image);
    const done = known?.builds
      .flatMap(({ targetImages }) => targetImages)
      .map(({ outcome }) => outcome.status);
    expect(done?.filter(status => status === 'COMPLETED')).to.have.lengthOf(50);
    expect((await readdir(directory)).filter(name => !/\.json$|^templates$/.test(name))).to.deep.equal([]);
  });

  for (const others of ['this process', 'another one'] as const) {
    it(`do not give one build to two images, the other one by ${others}`, async () => {
      const other = others === 'this process' ? catalog : Catalog.open(directory);
      const one = catalog.place(uuid('a'), uuid('b'));
      const two = other.place(uuid('c'), uuid('b'));
      const results = await Promise.allSettled([
        add(catalog, one.image, one.build, uuid('1')),
        add(other, two.image, two.build, uuid('2')),
      ]);
      const refused = results.flatMap(result => (result.status === 'rejected' ? [result] : []));
      expect(refused).to.have.lengthOf(1);
      // Whatever is thrown here is looked at as that.
      const reason = refused[0]?.reason as CatalogError;
      expect(reason).to.be.instanceOf(CatalogError).and.include({ argument: 'build' });
      const [image] = results[0].status === 'fulfilled' ? [uuid('a'), uuid('c')] : [uuid('c'), uuid('a')];
      expect(reason.message).to.include(`${uuid('b')} belongs to the image ${image}`);
      for (const each of [catalog, other]) {
        expect(each.imageOf(uuid('b'))?.id).to.equal(image);
        expect([uuid('a'), uuid('c')].filter(id => each.image(id) !== undefined)).to.deep.equal([image]);
        expect([uuid('1'), uuid('2')].filter(id => each.imageOf(id) !== undefined)).to.have.lengthOf(1);
      }
    });
  }

  it('find what an earlier version, or a backup without links, leads to', async () => {
    const { image, build } = catalog.place('', '');
    await add(catalog, image, build, uuid('1'));
    const path = (id: string): string => join(directory, `${id}.json`);
    const copy = await readFile(path(uuid('1')), 'utf8');
    await rm(path(uuid('1')));
    await writeFile(path(uuid('1')), copy);
    await rm(path(build));
    await writeFile(path(build), JSON.stringify({ image }));
    await catalog.ended(uuid('1'), completed);
    for (const id of [uuid('1'), build]) expect(catalog.imageOf(id)).to.include({ latestUnpushed: build });
    const all: string[] = [];
    for await (const { id } of catalog.images()) all.push(id);
    expect(all).to.deep.equal([image]);
  });

  it('are forgotten when they cannot be written, and only then', async () => {
    const { image, build } = catalog.place('', '');
    await add(catalog, image, build, uuid('1'));
    const before = await readFile(join(directory, `${image}.json`), 'utf8');
    await rm(directory, { recursive: true });
    const failed = await add(catalog, image, build, uuid('2')).catch((error: unknown) => error);
    expect(String(failed)).to.include('ENOENT');
    expect(catalog.imageOf(uuid('2'))).to.equal(undefined);
    catalog = Catalog.open(directory);
    await add(catalog, image, build, uuid('2'));
    expect(targets(catalog.image(image))).to.deep.equal([uuid('2')]);
    expect(before).to.include(uuid('1'));
  });
});

/** Tells the inode of each file that this process has synced. */
function watchSyncs(told: (inode: number) => void): () => void {
  const { fsync } = fs;
  const watched = (file: number, done: fs.NoParamCallback): void =>
    fsync(file, error => {
      told(fs.fstatSync(file).ino);
      done(error);
    });
  fs.fsync = Object.assign(watched, fsync);
  syncBuiltinESMExports();
  return () => {
    fs.fsync = fsync;
    syncBuiltinESMExports();
  };
}

async function inodes(directory: string): Promise<ReadonlySet<number>> {
  const names = (await readdir(directory)).filter(name => name.endsWith('.json'));
  return new Set(await Promise.all(names.map(async name => (await stat(join(directory, name))).ino)));
}
