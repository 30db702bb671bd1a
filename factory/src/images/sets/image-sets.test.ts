import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Change, openMemoryStore, type Store } from '../../store/index.js';
import { rejection } from '../../testing/until.js';
import { withoutJob } from '../../testing/without-job.js';
import { type BatchPlace, CatalogError, type EndFacts, imageDescription, ImageSets } from './index.js';

const uuid = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`;
const completed = { outcome: { status: 'COMPLETED' } } as const;
const failed = { outcome: { status: 'FAILED', type: 'NoSpace', info: 'the disk is full' } } as const;

describe('ImageSets', () => {
  let store: Store;
  let catalog: ImageSets;
  let clock: number;

  beforeEach(async () => {
    clock = Date.now();
    store = await openMemoryStore({ now: () => new Date(clock++) });
    catalog = new ImageSets(store);
  });
  afterEach(() => store.close());

  const ended = (id: string, end: EndFacts): Promise<unknown> =>
    catalog.ended(id, end, changes => record(changes));
  const record = async (changes: readonly Change[]): Promise<unknown> =>
    changes.length === 0 ? undefined : await store.commit(changes.map(withoutJob));

  /** A build of the image for some targets, whose uuids are made of the digits. */
  async function add(image: string, targets: Record<string, string>): Promise<BatchPlace> {
    const place = await catalog.place(image, '');
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
    await ended(uuid('1'), completed);
    expect(await catalog.image(place.image)).not.to.have.property('latestUnpushed');
    await ended(uuid('2'), completed);
    const image = await catalog.image(place.image);
    expect(image).to.deep.include({
      latestUnpushed: place.build,
      description: '<image><name>x</name></image>',
    });
    expect(image?.builds[0]).not.to.have.property('parent');
  });

  it('keeps one failure in a batch on record, and the rest of the batch usable', async () => {
    const place = await add('', { '1': 'mock', '2': 'ec2' });
    await ended(uuid('1'), failed);
    await ended(uuid('2'), completed);
    const image = await catalog.image(place.image);
    expect(image).to.include({ latestUnpushed: place.build });
    expect(image?.builds[0]?.targetImages.map(({ outcome }) => outcome)).to.deep.equal([
      failed.outcome,
      completed.outcome,
    ]);
  });

  it('leaves the latest unpushed build as it was when all of a batch has failed', async () => {
    const first = await add('', { '1': 'mock' });
    await ended(uuid('1'), completed);
    await add(first.image, { '2': 'mock' });
    await ended(uuid('2'), failed);
    expect(await catalog.image(first.image)).to.include({ latestUnpushed: first.build });
  });

  it('gives each build the one before as its parent', async () => {
    const first = await add('', { '1': 'mock' });
    await ended(uuid('1'), completed);
    const second = await add(first.image, { '2': 'mock' });
    await ended(uuid('2'), completed);
    await push(second, uuid('2'), { '3': 'mock-a' });
    await ended(uuid('3'), completed);
    const third = await add(first.image, { '4': 'mock' });
    await ended(uuid('4'), completed);
    const image = await catalog.image(first.image);
    expect(image?.builds.map(({ parent }) => parent)).to.deep.equal([undefined, first.build, second.build]);
    expect(image).to.include({ latestBuild: second.build, latestUnpushed: third.build });
  });

  it('takes a pushed build for unpushed as long as it has failed to reach a provider', async () => {
    const place = await add('', { '1': 'mock' });
    await ended(uuid('1'), completed);
    await push(place, uuid('1'), { '2': 'mock-a', '3': 'mock-b' });
    await ended(uuid('2'), { ...completed, targetIdentifier: 'ami-1', account: 'anna' });
    expect(await catalog.image(place.image)).not.to.have.property('latestBuild');
    await ended(uuid('3'), failed);
    const partly = await catalog.image(place.image);
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
    await ended(uuid('4'), completed);
    const image = await catalog.image(place.image);
    expect(image).to.include({ latestBuild: place.build });
    expect(image).not.to.have.property('latestUnpushed');
    expect(JSON.stringify(image)).not.to.match(/None|null/);
  });

  it('imports what a provider has, and only renames it the second time', async () => {
    const place = await catalog.place('', '');
    const imported = {
      ...place,
      description: '<image><name>Mock Image</name></image>',
      target: 'mock',
      provider: 'mock-provider2',
    };
    const ids = await catalog.importImage({ ...imported, targetIdentifier: 'mock-img-id' });
    const again = await catalog.importImage({ ...imported, targetIdentifier: 'other-id' });
    expect(again).to.deep.equal(ids);
    const image = await catalog.imageOf(ids.providerImage);
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
    await ended(uuid('1'), completed);
    await push(place, uuid('1'), { '2': 'mock-a' });
    await ended(uuid('2'), { ...completed, targetIdentifier: 'ami-1' });
    const before = await catalog.image(place.image);
    expect(before).not.to.have.property('latestUnpushed');
    await ended(uuid('1'), completed);
    await ended(uuid('2'), failed);
    expect(await catalog.image(place.image)).to.deep.equal(before);
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
      expect(await rejection(catalog.place(image, build)), `${image} ${build}`)
        .to.be.instanceOf(CatalogError)
        .that.includes({ argument });
    }
    expect(await catalog.place('', place.build)).to.deep.equal(place);
    expect(await catalog.place(uuid('8'), uuid('9'))).to.deep.equal({ image: uuid('8'), build: uuid('9') });
  });

  it('refuses a build that has become the one of another image since it was given', async () => {
    const [one, two] = [await catalog.place(uuid('8'), uuid('9')), await catalog.place(uuid('7'), uuid('9'))];
    const target = (digit: string) => [{ id: uuid(digit), target: 'mock', adaptor: `a${digit}` }];
    const added = await Promise.allSettled([
      catalog.addTargetImages(one, '<image/>', target('1')),
      catalog.addTargetImages(two, '<image/>', target('2')),
    ]);
    expect(added.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected']);
    const again = await rejection(catalog.addTargetImages(two, '<image/>', target('2')));
    expect(again).to.be.instanceOf(CatalogError).that.includes({ argument: 'build' });
    expect(await store.get('imageSets', uuid('7'))).to.equal(undefined);
  });

  it('loses none of the changes that one image gets at the same time', async () => {
    const digits = ['1', '2', '3', '4', '5', '6', '7', '8'];
    const place = await add('', Object.fromEntries(digits.map(digit => [digit, 'mock'])));
    await Promise.all(digits.map(digit => ended(uuid(digit), completed)));
    const image = await catalog.imageOf(uuid('5'));
    expect(image).to.include({ id: place.image, latestUnpushed: place.build });
    expect(image?.builds[0]?.targetImages.map(({ id }) => id)).to.deep.equal(digits.map(uuid));
    expect(await catalog.imageOf(uuid('f'))).to.equal(undefined);
  });

  it('records an end and its consequences in the step of the caller, or nothing of them', async () => {
    const place = await add('', { '1': 'mock' });
    const before = await catalog.image(place.image);
    const refused = catalog.ended(uuid('1'), completed, () => Promise.reject(new Error('the disk is full')));
    expect(String(await rejection(refused))).to.include('the disk is full');
    expect(await catalog.image(place.image)).to.deep.equal(before);
    let steps = 0;
    await catalog.ended(uuid('1'), completed, async changes => {
      steps++;
      await record(changes);
    });
    expect(steps).to.equal(1);
    expect(await catalog.image(place.image)).to.include({ latestUnpushed: place.build });
    expect(await store.get('images', uuid('1'))).to.include({ status: 'complete', percent: 100 });
  });
});
