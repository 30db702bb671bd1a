import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type BatchPlace, Catalog, CatalogError, imageDescription } from './index.js';

const uuid = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`;
const completed = { outcome: { status: 'COMPLETED' } } as const;
const failed = { outcome: { status: 'FAILED', type: 'NoSpace', info: 'the disk is full' } } as const;

describe('Catalog', () => {
  let directory: string;
  let catalog: Catalog;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'catalog-test-'));
    catalog = Catalog.open(directory);
  });
  afterEach(async () => {
    await catalog.settled();
    await rm(directory, { recursive: true });
  });

  /** A build of the image for some targets, whose uuids are made of the digits. */
  async function add(image: string, targets: Record<string, string>): Promise<BatchPlace> {
    const place = catalog.place(image, '');
    await catalog.addTargetImages(
      place,
      imageDescription('x'),
      Object.entries(targets).map(([digit, target]) => ({ id: uuid(digit), target, adaptor: `a${digit}` })),
    );
    return place;
  }

  async function push(
    place: BatchPlace,
    targetImage: string,
    providers: Record<string, string>,
  ): Promise<void> {
    await catalog.addProviderImages(
      place.image,
      Object.entries(providers).map(([digit, provider]) => ({
        id: uuid(digit),
        targetImage,
        provider,
        adaptor: `a${digit}`,
      })),
    );
  }

  it('makes a build the latest unpushed one when all of its targets are there, and not before', async () => {
    const place = await add('', { '1': 'mock', '2': 'ec2' });
    await catalog.ended(uuid('1'), completed);
    expect(catalog.image(place.image)).not.to.have.property('latestUnpushed');
    await catalog.ended(uuid('2'), completed);
    const image = catalog.image(place.image);
    expect(image).to.deep.include({
      latestUnpushed: place.build,
      description: '<image><name>x</name></image>',
    });
    expect(image?.builds[0]).not.to.have.property('parent');
  });

  it('keeps one failure in a batch on record, and the rest of the batch usable', async () => {
    const place = await add('', { '1': 'mock', '2': 'ec2' });
    await catalog.ended(uuid('1'), failed);
    await catalog.ended(uuid('2'), completed);
    const image = catalog.image(place.image);
    expect(image).to.include({ latestUnpushed: place.build });
    expect(image?.builds[0]?.targetImages.map(({ outcome }) => outcome)).to.deep.equal([
      failed.outcome,
      completed.outcome,
    ]);
  });

  it('leaves the latest unpushed build as it was when all of a batch has failed', async () => {
    const first = await add('', { '1': 'mock' });
    await catalog.ended(uuid('1'), completed);
    await add(first.image, { '2': 'mock' });
    await catalog.ended(uuid('2'), failed);
    expect(catalog.image(first.image)).to.include({ latestUnpushed: first.build });
  });

  it('gives each build the one before as its parent', async () => {
    const first = await add('', { '1': 'mock' });
    await catalog.ended(uuid('1'), completed);
    const second = await add(first.image, { '2': 'mock' });
    await catalog.ended(uuid('2'), completed);
    await push(second, uuid('2'), { '3': 'mock-a' });
    await catalog.ended(uuid('3'), completed);
    const third = await add(first.image, { '4': 'mock' });
    await catalog.ended(uuid('4'), completed);
    const image = catalog.image(first.image);
    expect(image?.builds.map(({ parent }) => parent)).to.deep.equal([undefined, first.build, second.build]);
    expect(image).to.include({ latestBuild: second.build, latestUnpushed: third.build });
  });

  it('takes a pushed build for unpushed as long as it has failed to reach a provider', async () => {
    const place = await add('', { '1': 'mock' });
    await catalog.ended(uuid('1'), completed);
    await push(place, uuid('1'), { '2': 'mock-a', '3': 'mock-b' });
    await catalog.ended(uuid('2'), { ...completed, targetIdentifier: 'ami-1', account: 'anna' });
    expect(catalog.image(place.image)).not.to.have.property('latestBuild');
    await catalog.ended(uuid('3'), failed);
    const partly = catalog.image(place.image);
    expect(partly).to.include({ latestBuild: place.build, latestUnpushed: place.build });
    const since = partly?.builds[0]?.targetImages[0]?.providerImages[1]?.failed;
    expect(partly?.builds[0]?.targetImages[0]?.providerImages).to.deep.equal([
      {
        id: uuid('2'),
        provider: 'mock-a',
        adaptor: 'a2',
        outcome: completed.outcome,
        targetIdentifier: 'ami-1',
        account: 'anna',
      },
      { id: uuid('3'), provider: 'mock-b', adaptor: 'a3', outcome: failed.outcome, failed: since },
    ]);
    expect(Date.now() - Date.parse(since ?? '')).to.be.within(0, 30_000);
    await push(place, uuid('1'), { '4': 'mock-b' });
    await catalog.ended(uuid('4'), completed);
    const image = catalog.image(place.image);
    expect(image).to.include({ latestBuild: place.build });
    expect(image).not.to.have.property('latestUnpushed');
    expect(JSON.stringify(image)).not.to.match(/None|null/);
  });

  it('imports what a provider has, and only renames it the second time', async () => {
    const place = catalog.place('', '');
    const imported = {
      ...place,
      description: '<image><name>Mock Image</name></image>',
      target: 'mock',
      provider: 'mock-provider2',
    };
    const ids = await catalog.importImage({ ...imported, targetIdentifier: 'mock-img-id' });
    const again = await catalog.importImage({ ...imported, targetIdentifier: 'other-id' });
    expect(again).to.deep.equal(ids);
    const image = catalog.imageOf(ids.providerImage);
    expect(image).to.deep.include({ id: place.image, latestBuild: place.build });
    expect(image?.builds[0]?.targetImages[0]?.providerImages).to.deep.equal([
      {
        id: ids.providerImage,
        provider: 'mock-provider2',
        targetIdentifier: 'other-id',
        outcome: completed.outcome,
      },
    ]);
  });

  it('takes the news of an end that it knows for no news', async () => {
    const place = await add('', { '1': 'mock' });
    await catalog.ended(uuid('1'), completed);
    await push(place, uuid('1'), { '2': 'mock-a' });
    await catalog.ended(uuid('2'), { ...completed, targetIdentifier: 'ami-1' });
    const before = catalog.image(place.image);
    expect(before).not.to.have.property('latestUnpushed');
    await catalog.ended(uuid('1'), completed);
    await catalog.ended(uuid('2'), failed);
    expect(catalog.image(place.image)).to.deep.equal(before);
  });

  it('tells before each change what comes of it, the image last', async () => {
    const told: string[][] = [];
    catalog = Catalog.open(directory, things => {
      told.push(things.map(({ kind, id }) => `${kind} ${id}`));
      // On the disk, which is where others look.
      expect(Catalog.open(directory).imageOf(things[0]!.id) === undefined || told.length > 1).to.equal(true);
    });
    const text = '<template><name>x</name></template>';
    const template = await catalog.templates.put(text);
    expect(await catalog.templates.put(text)).to.equal(template);
    expect(catalog.templates.get(template)).to.equal(text);
    const place = catalog.place('', '');
    const [one, two] = [uuid('1'), uuid('2')];
    const targets = [one, two].map(id => ({ id, target: 'mock', template, adaptor: `a${id}` }));
    await catalog.addTargetImages(place, imageDescription('x'), targets);
    await catalog.ended(one, failed);
    await catalog.ended(two, completed);
    await push(place, two, { '3': 'mock-a' });
    await catalog.ended(uuid('3'), { ...completed, targetIdentifier: 'ami-1' });
    const again = catalog.place(place.image, '');
    await catalog.addTargetImages(again, '', [{ id: uuid('4'), target: 'mock', template, adaptor: 'a4' }]);
    await catalog.ended(uuid('4'), completed);
    const [image, build, next] = [`image ${place.image}`, `build ${place.build}`, `build ${again.build}`];
    expect(told).to.deep.equal([
      [`template ${template}`, image, build],
      [`target_image ${two}`, image],
      [`provider_image ${uuid('3')}`, image],
      [next],
      [next, `target_image ${uuid('4')}`, image],
    ]);
  });

  it('refuses what is no uuid, and uuids of other things', async () => {
    const place = await add('', { '1': 'mock' });
    for (const [image, build, argument] of [
      ['../../etc/passwd', '', 'image'],
      ['None', '', 'image'],
      [uuid('1'), '', 'image'],
      [place.build, '', 'image'],
      [place.image, 'None', 'build'],
      [place.image, uuid('1'), 'build'],
      [uuid('9'), place.build, 'build'],
    ] as const) {
      expect(() => catalog.place(image, build), `${image} ${build}`)
        .to.throw(CatalogError)
        .that.includes({ argument });
    }
    expect(catalog.place('', place.build)).to.deep.equal(place);
    expect(catalog.place(uuid('8'), uuid('9'))).to.deep.equal({ image: uuid('8'), build: uuid('9') });
  });

  it('leaves nothing of a record that could not be written, and names one that is damaged', async () => {
    const place = await add('', { '1': 'mock' });
    await rm(join(directory, `${uuid('1')}.json`));
    await mkdir(join(directory, `${uuid('2')}.json`));
    const failed = await add('', { '2': 'mock' }).catch((error: unknown) => error);
    expect(String(failed)).to.match(/EISDIR|ENOTEMPTY/);
    expect((await readdir(directory)).filter(name => name.endsWith('.part'))).to.deep.equal([]);
    await writeFile(join(directory, `${uuid('3')}.json`), '');
    expect(catalog.imageOf(uuid('3'))).to.equal(undefined);
    await writeFile(join(directory, `${place.image}.json`), '{"id":');
    expect(() => catalog.image(place.image)).to.throw(`${place.image}.json is damaged`);
  });

  it('reads it all again after a restart', async () => {
    const digits = ['1', '2', '3', '4', '5', '6', '7', '8'];
    const place = await add('', Object.fromEntries(digits.map(digit => [digit, 'mock'])));
    for (const digit of digits) await catalog.ended(uuid(digit), completed);
    await writeFile(join(directory, 'x.json.part'), 'left by a killed agent');
    await utimes(join(directory, 'x.json.part'), 0, 0);
    await writeFile(join(directory, 'y.json.part'), 'being written by another one');
    await catalog.settled();
    const reopened = Catalog.open(directory);
    expect(await readdir(directory)).to.have.lengthOf(digits.length + 4);
    const image = reopened.imageOf(uuid('5'));
    expect(image).to.include({ id: place.image, latestUnpushed: place.build });
    expect(JSON.parse(await readFile(join(directory, `${place.image}.json`), 'utf8'))).to.deep.equal(image);
    await reopened.ended(uuid('f'), completed);
  });
});
