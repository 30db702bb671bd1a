import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { rejection } from '../testing/until.js';
import { DirectoryImageManager } from './directory-image-manager.js';
import type { StoreStep } from './image-writer.js';
import { newImageIdentifier, TargetImage } from './persistent-image.js';
import { verifyImages } from './verify.js';

const from = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
const imports = `
  import { readFile, writeFile } from 'node:fs/promises';
  import { DirectoryImageManager } from ${from('./directory-image-manager.js')};
  import { DirectoryStore } from ${from('./directory-store.js')};
  import { BaseImage, TargetImage } from ${from('./persistent-image.js')};
  const [directory, argument] = process.argv.slice(1);
`;

interface Child {
  readonly pid: number;
  readonly ended: Promise<{
    readonly signal: string | null;
    readonly code: number | null;
    readonly stderr: string;
  }>;
  /** Resolves at the first line that it prints. */
  readonly ready: Promise<void>;
}

function start(script: string, ...args: string[]): Child {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', imports + script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  let stderr = '';
  child.stderr.on('data', data => (stderr += String(data)));
  return {
    pid: child.pid ?? 0,
    ready: new Promise(resolve => child.stdout.once('data', () => resolve())),
    ended: new Promise(resolve => child.once('close', (code, signal) => resolve({ code, signal, stderr }))),
  };
}

describe('a store of images that processes share, and are killed over', function () {
  this.timeout(180_000);
  let directory: string;
  let images: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'crash-test-'));
    images = join(directory, 'images');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const dying = (step: StoreStep): string => `
    const images = await DirectoryImageManager.open(directory, {
      afterStep: step => { if (step === '${step}') process.kill(process.pid, 'SIGKILL'); },
    });`;

  for (const step of ['locked', 'body-written', 'body-placed', 'meta-placed'] as const) {
    it(`has a whole image or none when the process dies with an addition after: ${step}`, async () => {
      const identifier = newImageIdentifier();
      const source = join(directory, 'source');
      await writeFile(source, 'body');
      const child = start(
        `${dying(step)}
        await images.addImage(new TargetImage({ identifier: '${identifier}', target: 'mock' }), {
          body: { kind: 'move', path: argument },
        });`,
        images,
        source,
      );
      expect(await child.ended).to.include({ signal: 'SIGKILL' });
      expect(await readdir(images)).not.to.be.empty;
      const manager = await DirectoryImageManager.open(images);
      const image = await manager.imageWithId(identifier);
      expect(image?.size).to.equal(step === 'meta-placed' ? 4 : undefined);
      expect((await readdir(images)).sort()).to.deep.equal(
        step === 'meta-placed' ? [`${identifier}.body`, `${identifier}.meta`] : [],
      );
    });
  }

  it('has nothing of an image whose deletion was broken off', async () => {
    const manager = await DirectoryImageManager.open(images);
    const image = new TargetImage({ target: 'mock' });
    await manager.addImage(image, { attachments: { cyclonedx: '{}' } });
    const child = start(
      `${dying('meta-removed')} await images.deleteImageWithId(argument);`,
      images,
      image.identifier,
    );
    expect(await child.ended).to.include({ signal: 'SIGKILL' });
    expect(await readdir(images)).to.have.lengthOf(3);
    await DirectoryImageManager.open(images);
    expect(await readdir(images)).to.deep.equal([]);
  });

  it('ends what a killed process was working on, and leaves the work of a living one alone', async () => {
    const [dead, alive] = [newImageIdentifier(), newImageIdentifier()];
    const working = (identifier: string): Child =>
      start(
        `const images = await DirectoryImageManager.open(directory);
        const image = new TargetImage({
          identifier: argument, target: 'mock', status: 'BUILDING', statusDetail: { activity: 'installing packages' },
        });
        await images.addImage(image);
        console.log('working');
        setInterval(() => undefined, 1000);`,
        images,
        identifier,
      );
    const [one, two] = [working(dead), working(alive)];
    await Promise.all([one.ready, two.ready]);
    process.kill(one.pid, 'SIGKILL');
    await one.ended;
    try {
      const manager = await DirectoryImageManager.open(images);
      expect(await manager.imageWithId(dead)).to.deep.include({
        status: 'FAILED',
        statusDetail: {
          activity: 'installing packages',
          error: 'Failure encountered while: installing packages: the process that worked on it has ended',
        },
      });
      expect((await manager.imageWithId(alive))?.status).to.equal('BUILDING');
    } finally {
      process.kill(two.pid, 'SIGKILL');
      await two.ended;
    }
  });

  for (const step of ['body-written', 'body-placed', 'meta-placed'] as const) {
    it(`has an image whole or not at all when the process dies with the storing after: ${step}`, async () => {
      const target = newImageIdentifier();
      const source = join(directory, 'source');
      await writeFile(source, 'body');
      const child = start(
        `const store = await DirectoryStore.open(directory, {
          afterStep: step => { if (step === '${step}') process.kill(process.pid, 'SIGKILL'); },
        });
        const order = { identifier: '${target}', template: '<template/>', target: 'mock' };
        await store.add(argument, { ...order, format: 'raw' }, { signal: new AbortController().signal });`,
        images,
        source,
      );
      expect(await child.ended).to.include({ signal: 'SIGKILL', stderr: '' });
      const manager = await DirectoryImageManager.open(images);
      const isThere = step === 'meta-placed';
      expect((await manager.imageWithId(target))?.status).to.equal(isThere ? 'COMPLETE' : undefined);
      expect((await readdir(images)).sort()).to.deep.equal(
        isThere ? [`${target}.body`, `${target}.meta`] : [],
      );
      expect((await verifyImages(manager)).problems).to.deep.equal([]);
    });
  }

  it('has nobody at work on an image that a process had completed before it died, whoever goes on with what it did', async () => {
    const identifier = newImageIdentifier();
    const child = start(
      `const store = await DirectoryStore.open(directory);
      const order = { kind: 'base', identifier: argument, template: '<template/>' };
      await store.record(order, { status: 'BUILDING', activity: 'making it', percent: 9 });
      const mark = await readFile(directory + '/' + argument + '.busy');
      await store.record(order, { status: 'COMPLETE', activity: 'done', percent: 100 });
      // As if it had died before it took its mark away.
      await writeFile(directory + '/' + argument + '.busy', mark);`,
      images,
      identifier,
    );
    expect(await child.ended).to.include({ code: 0, stderr: '' });
    const adopting = await DirectoryImageManager.open(images, { adopts: () => true });
    expect((await adopting.imageWithId(identifier))?.status).to.equal('COMPLETE');
    expect(await readdir(images)).to.deep.equal([`${identifier}.meta`]);
  });

  it('lets nobody delete what a living process works on', async () => {
    const identifier = newImageIdentifier();
    const child = start(
      `const store = await DirectoryStore.open(directory);
      const order = { kind: 'target', identifier: argument, template: '<template/>', target: 'mock' };
      await store.record(order, { status: 'PENDING', activity: 'accepted', percent: 0 });
      console.log('working');
      // With pauses in which others get the lock of the image.
      for (let percent = 0; ; percent++) {
        await store.record(order, { status: 'BUILDING', activity: 'step ' + percent, percent });
        await new Promise(resolve => setTimeout(resolve, 20));
      }`,
      images,
      identifier,
    );
    await child.ready;
    try {
      for (let round = 0; round < 5; round++) {
        const manager = await DirectoryImageManager.open(images);
        expect(manager.leftovers).to.deep.equal({ removed: [], abandoned: [] });
        const error = await rejection(manager.deleteImageWithId(identifier));
        expect(error).to.include({ code: 'busy' });
        expect((await verifyImages(manager)).problems).to.deep.equal([]);
      }
    } finally {
      process.kill(child.pid, 'SIGKILL');
    }
    expect(await child.ended, 'none of its saves failed').to.include({ stderr: '' });
    const manager = await DirectoryImageManager.open(images);
    expect((await manager.imageWithId(identifier))?.status).to.equal('FAILED');
    await manager.deleteImageWithId(identifier);
    expect(await readdir(images)).to.deep.equal([]);
  });

  it('forgets a record that a power cut has emptied', async () => {
    const identifier = newImageIdentifier();
    const child = start(
      `const store = await DirectoryStore.open(directory);
      const order = { kind: 'target', identifier: argument, template: '<template/>', target: 'mock' };
      await store.record(order, { status: 'PENDING', activity: 'accepted', percent: 0 });
      process.kill(process.pid, 'SIGKILL');`,
      images,
      identifier,
    );
    await child.ended;
    await writeFile(join(images, `${identifier}.meta`), '');
    await DirectoryImageManager.open(images);
    expect(await readdir(images)).to.deep.equal([]);
  });

  it('is whole after processes were killed at any moment', async () => {
    const restless = `
      const images = await DirectoryImageManager.open(directory);
      console.log('begun');
      for (let n = 0; ; n++) {
        const source = argument + process.pid + '-' + n;
        await writeFile(source, 'x'.repeat(5000 * (n % 7)));
        const base = new BaseImage({ status: 'BUILDING' });
        await images.addImage(base, { body: { kind: 'copy', path: source } });
        base.status = 'COMPLETE';
        await images.saveImage(base);
        const target = new TargetImage({ target: 'mock', baseImageId: base.identifier });
        await images.addImage(target, { body: { kind: 'move', path: source } });
        target.status = 'COMPLETE';
        await images.saveImage(target);
        if (n % 3 === 0) await images.deleteImageWithId(base.identifier, { withChildren: true });
      }`;
    let seed = 1;
    for (let round = 0; round < 8; round++) {
      const children = [
        start(restless, images, join(directory, 's')),
        start(restless, images, join(directory, 's')),
      ];
      await Promise.all(children.map(child => child.ready));
      for (const { pid, ended } of children) {
        seed = (seed * 48_271) % 2_147_483_647;
        await new Promise(resolve => setTimeout(resolve, seed % 40));
        process.kill(pid, 'SIGKILL');
        expect(await ended).to.include({ signal: 'SIGKILL', stderr: '' });
      }
      const manager = await DirectoryImageManager.open(images);
      const report = await verifyImages(manager);
      expect(report.problems).to.deep.equal([]);
      const names = await readdir(images);
      // A process may die between making the file that it is going to make its lock and writing its name into it.
      expect(names.filter(name => !/\.(meta|body|lock\.[^.]+)$/.test(name))).to.deep.equal([]);
      const busy = await manager.query({ where: { status: 'BUILDING' } });
      expect(busy.total).to.equal(0);
    }
    expect((await readdir(images)).length).to.be.greaterThan(8);
  });

  it('loses no change when two processes change one image at the same time', async () => {
    const manager = await DirectoryImageManager.open(images);
    const image = new TargetImage({ target: 'mock', properties: { count: 0 } });
    await manager.addImage(image);
    const counting = `
      const images = await DirectoryImageManager.open(directory);
      for (let n = 0; n < 40; ) {
        const image = await images.imageWithId(argument);
        image.properties = { count: image.properties.count + 1 };
        try {
          await images.saveImage(image);
          n++;
        } catch (error) {
          if (error.code !== 'conflict') throw error;
        }
      }`;
    const children = [1, 2].map(() => start(counting, images, image.identifier));
    for (const { ended } of children)
      expect(await ended).to.deep.equal({ code: 0, signal: null, stderr: '' });
    expect((await manager.imageWithId(image.identifier))?.properties).to.deep.equal({ count: 80 });
    const meta = JSON.parse(await readFile(join(images, `${image.identifier}.meta`), 'utf8')) as object;
    expect(meta).to.include({ revision: 81 });
  });
});
