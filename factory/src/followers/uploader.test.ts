import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { DirectoryImageManager, ImageSets, ProviderImage, TargetImage } from '../images/index.js';
import { withoutJob } from '../testing/without-job.js';
import { type Change, openMemoryStore, type Store } from '../store/index.js';
import { type Iwhd, startIwhd } from '../testing/iwhd.js';
import { recordingLogger } from '../testing/recording-logger.js';
import { until } from '../testing/until.js';
import { WarehouseRepository } from '../warehouse/index.js';
import { importWaiting } from './import-waiting.js';
import { waitingFor } from './objects.js';
import { suspendUploader, Uploader } from './uploader.js';

interface Built {
  readonly image: string;
  readonly build: string;
  readonly id: string;
  readonly template: string;
}

describe('Uploader', () => {
  let directory: string;
  let store: Store;
  let images: DirectoryImageManager;
  let sets: ImageSets;
  let iwhd: Iwhd;
  let uploader: Uploader | undefined;
  let log: ReturnType<typeof recordingLogger>;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'uploader-test-'));
    store = await openMemoryStore();
    images = await DirectoryImageManager.open(directory);
    sets = new ImageSets(store);
    iwhd = await startIwhd();
    log = recordingLogger();
  });
  afterEach(async () => {
    await uploader?.stop();
    uploader = undefined;
    await store.close();
    await iwhd.stop();
    await rm(directory, { recursive: true });
  });

  async function start(): Promise<Uploader> {
    uploader = await Uploader.open({
      ...{ store, images, log },
      warehouse: new WarehouseRepository(iwhd.url, { attempts: 1, timeout: 10_000 }),
      pauses: { pause: 1, longestPause: 5 },
    });
    uploader.start();
    return uploader;
  }
  const record = async (changes: readonly Change[]): Promise<unknown> => {
    if (changes.length === 0) return undefined;
    return await store.commit(changes.map(withoutJob));
  };

  /** Records the order of a target image, as of a build. */
  async function order(image = ''): Promise<Built> {
    const place = await sets.place(image, '');
    const [id, template] = [randomUUID(), randomUUID()];
    await store.commit([{ change: 'template.put', template: { id: template, text: '<template/>' } }]);
    await sets.addTargetImages(place, '<image/>', [{ id, target: 'mock', template, adaptor: 'a' }]);
    return { ...place, id, template };
  }
  async function complete({ id }: Built): Promise<void> {
    await images.addImage(
      new TargetImage({ identifier: id, target: 'mock', status: 'COMPLETE', icicle: '<icicle/>' }),
    );
    await sets.ended(id, { outcome: { status: 'COMPLETED' } }, record);
  }
  const sent = (of: Uploader): Promise<void> => until('all is sent', () => of.waiting === 0);
  const attributes = (bucket: string, id: string): Record<string, string> =>
    Object.fromEntries(iwhd.buckets.get(bucket)?.get(id)?.attributes ?? []);
  const objects = (): string[] =>
    iwhd.requests.filter(line => /^PUT \/\w+\/[\w-]+$/.test(line)).map(line => line.slice('PUT /'.length));

  it('sends template, image and build of an order, and the target image when it is complete', async () => {
    const running = await start();
    const built = await order();
    await until('the image is there', () => objects().includes(`images/${built.image}`));
    await sent(running);
    expect(objects()).to.deep.equal([
      `templates/${built.template}`,
      `builds/${built.build}`,
      `images/${built.image}`,
    ]);
    await complete(built);
    await until('it is the latest', () => 'latest_unpushed' in attributes('images', built.image));
    await sent(running);
    const target = attributes('target_images', built.id);
    expect(target).to.deep.equal({
      ...{ uuid: built.id, object_type: 'target_image', target: 'mock', build: built.build },
      ...{ template: built.template, icicle: target['icicle'] },
    });
    expect(
      iwhd.buckets
        .get('icicles')
        ?.get(target['icicle'] ?? '')
        ?.body.toString(),
    ).to.equal('<icicle/>');
    expect(attributes('images', built.image)).to.include({
      ...{ template: built.template, latest_unpushed: built.build },
    });
    expect(await waitingFor(store)).to.deep.equal([]);
  });

  it('sends a push with its parent and its names at the provider', async () => {
    const running = await start();
    const built = await order();
    await complete(built);
    const id = randomUUID();
    await sets.addProviderImages(built.image, [
      { id, targetImage: built.id, provider: 'mock-one', adaptor: 'b' },
    ]);
    await images.addImage(new ProviderImage({ identifier: id, provider: 'mock-one', status: 'COMPLETE' }));
    const facts = { targetIdentifier: 'ami-7', account: 'anna' };
    await sets.ended(id, { outcome: { status: 'COMPLETED' }, ...facts }, record);
    await until('it is the latest', () => 'latest_build' in attributes('images', built.image));
    await sent(running);
    expect(attributes('provider_images', id)).to.include({
      ...{ target_image: built.id, provider: 'mock-one', target_identifier: 'ami-7' },
      ...{ provider_account_identifier: 'anna', icicle: attributes('target_images', built.id)['icicle'] },
    });
    expect(attributes('images', built.image)).to.include({ latest_build: built.build });
  });

  it('keeps what waits over a restart, in its order, and sends nothing of before', async () => {
    const before = await order();
    await complete(before);
    await start();
    const port = Number(new URL(iwhd.url).port);
    await iwhd.stop();
    const built = await order();
    await complete(built);
    await until('it waits', async () => (await waitingFor(store)).length === 4);
    await uploader?.stop();
    expect(
      log.lines.filter(line => /4 objects wait for the warehouse; the next start/.test(line)),
    ).to.have.lengthOf(1);
    iwhd = await startIwhd({ port });
    await sent(await start());
    expect(log.lines.join('\n')).to.include('4 objects of an earlier run wait for the warehouse');
    expect(objects().map(path => path.split('/')[0])).to.deep.equal([
      ...['templates', 'builds', 'icicles', 'target_images', 'images'],
    ]);
    expect(iwhd.buckets.get('images')?.has(before.image)).to.equal(false);
  });

  it('sends nothing of an image that failed or was deleted before its turn, and takes its build back', async () => {
    iwhd.fault = () => 503;
    const running = await start();
    const [failed, deleted] = [await order(), await order()];
    await sets.ended(failed.id, { outcome: { status: 'FAILED', type: 'NoSpace', info: 'full' } }, record);
    await complete(deleted);
    await images.deleteImageWithId(deleted.id);
    await sets.deleted([deleted.id]);
    iwhd.fault = () => undefined;
    await sent(running);
    expect(iwhd.buckets.get('target_images')).to.equal(undefined);
    expect(attributes('images', deleted.image)).to.not.have.property('latest_unpushed');
    expect(attributes('builds', failed.build)).to.include({ image: failed.image });
  });

  it('has what waits kept while the factory runs without a warehouse, whose images are not sent later', async () => {
    iwhd.fault = () => 503;
    await start();
    const built = await order();
    await until('it waits', async () => (await waitingFor(store)).length > 0);
    await uploader?.stop();
    await suspendUploader(store, log);
    expect(log.lines.at(-1)).to.match(
      /^warn: 4 objects of earlier runs wait for a warehouse.*--warehouse again/,
    );
    const without = await order();
    iwhd.fault = () => undefined;
    await sent(await start());
    expect(attributes('builds', built.build)).to.include({ image: built.image });
    expect(iwhd.buckets.get('builds')?.has(without.build)).to.equal(false);
    await uploader?.stop();
    log.lines.length = 0;
    await suspendUploader(store, log);
    expect(log.lines).to.deep.equal([]);
  });

  it('takes in the list of a version before the store, once, however often that is interrupted', async () => {
    const built = await order();
    await complete(built);
    const list = join(directory, 'warehouse');
    const line = (action: string, kind: string, id: string): string =>
      `\n${JSON.stringify({ do: action, kind, id })}\n`;
    const write = async (): Promise<void> => {
      await mkdir(list);
      await writeFile(
        join(list, 'waiting-1.jsonl'),
        [
          line('send', 'template', built.template),
          line('send', 'build', built.build),
          line('sent', 'template', built.template),
          '{"do":"send","kind":"ima',
        ].join(''),
      );
      await writeFile(join(list, 'waiting-2.jsonl'), line('send', 'target_image', built.id));
    };
    await write();
    // As after a kill before the directory was moved.
    await importWaiting(directory, store, log);
    await write();
    await importWaiting(directory, store, log);
    await importWaiting(directory, store, log);
    expect(await readdir(directory)).to.include.members(['warehouse.old', 'warehouse.old.2']);
    expect(await readdir(directory)).to.not.include('warehouse');
    expect(await waitingFor(store)).to.have.deep.members([
      { kind: 'build', id: built.build },
      { kind: 'target_image', id: built.id },
    ]);
    await sent(await start());
    expect(objects().map(path => path.split('/')[0])).to.have.members(['builds', 'icicles', 'target_images']);
    expect(await waitingFor(store)).to.deep.equal([]);
    expect(await store.count('followers')).to.equal(1);
  });
});
