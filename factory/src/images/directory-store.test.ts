import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildError } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { rejection, until } from '../testing/until.js';
import { DirectoryStore } from './directory-store.js';
import type { ImageFacts, ImageOrder } from './image-store.js';
import { newImageIdentifier } from './persistent-image.js';
import { verifyImages } from './verify.js';

const never = { signal: new AbortController().signal };

describe('DirectoryStore', () => {
  let directory: string;
  let images: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'store-test-'));
    images = join(directory, 'images');
  });
  afterEach(() => rm(directory, { recursive: true }));

  const facts = (): ImageFacts => ({
    identifier: newImageIdentifier(),
    target: 'mock',
    format: 'mock',
    template: '<template/>',
    callerImageUuid: '../../../etc/passwd',
  });
  async function source(content = 'body'): Promise<string> {
    const path = join(directory, 'source');
    await writeFile(path, content);
    return path;
  }

  it('keeps body and metadata', async () => {
    const store = await DirectoryStore.open(images);
    const given = facts();
    const fractions: number[] = [];
    const image = await store.add(await source(), given, {
      ...never,
      onProgress: part => fractions.push(part),
    });
    expect(image).to.deep.equal({
      ...given,
      path: join(images, `${given.identifier}.body`),
      size: 4,
      sha256: createHash('sha256').update('body').digest('hex'),
      created: image.created,
    });
    expect(new Date(image.created).toISOString()).to.equal(image.created);
    expect(await readFile(image.path, 'utf8')).to.equal('body');
    expect(await store.get(given.identifier)).to.deep.equal(image);
    expect((await readdir(images)).sort()).to.deep.equal([
      `${given.identifier}.body`,
      `${given.identifier}.meta`,
    ]);
    expect(await readdir(directory), 'the source was moved').not.to.include('source');
    expect(fractions.at(-1)).to.equal(1);
  });

  const order = (identifier = newImageIdentifier()): ImageOrder => ({
    kind: 'target',
    identifier,
    target: 'mock',
    template: '<template/>',
  });
  const failed = {
    status: 'FAILED',
    activity: 'installing packages',
    error: 'Failure encountered while: installing packages: no space',
    percent: 40,
  } as const;

  it('writes the record of a base image, and that of its target image with the body', async () => {
    const store = await DirectoryStore.open(images);
    const created = '2026-01-02T03:04:05.678Z';
    const given = { ...facts(), created };
    const { identifier } = given;
    const base: ImageOrder = { kind: 'base', identifier: newImageIdentifier(), template: '<template/>' };
    const image = await store.add(await source(), { ...given, baseImageId: base.identifier }, never);
    await store.record({ ...base, format: 'raw' }, { status: 'COMPLETE', activity: 'done', percent: 100 });
    expect(image).to.include({ created, size: 4 });
    expect(await store.get(identifier)).to.deep.equal(image);
    expect(await store.images.imageWithId(base.identifier)).to.include({
      kind: 'base',
      status: 'COMPLETE',
      format: 'raw',
      size: undefined,
    });
    expect((await verifyImages(store.images)).problems).to.deep.equal([]);
    expect((await readdir(images)).sort()).to.deep.equal(
      [`${base.identifier}.meta`, `${identifier}.body`, `${identifier}.meta`].sort(),
    );
    const error = await rejection(store.record(order(identifier), failed));
    expect(error).to.include({ code: 'exists' });
  });

  it('writes the record of an image that has failed, also after its body could not be stored', async () => {
    const store = await DirectoryStore.open(images);
    const given = facts();
    await rejection(store.add(await source(), given, { signal: AbortSignal.abort() }));
    expect(await readdir(images)).to.deep.equal([]);
    await store.record(order(given.identifier), failed);
    expect(await store.get(given.identifier)).to.equal(undefined);
    expect(await store.templateOf(given.identifier)).to.equal('<template/>');
    expect(await store.images.imageWithId(given.identifier)).to.deep.include({
      status: 'FAILED',
      statusDetail: { activity: failed.activity, error: failed.error },
      percentComplete: 40,
    });
    expect(await readdir(images)).to.deep.equal([`${given.identifier}.meta`]);
    await store.images.deleteImageWithId(given.identifier);
    expect(await readdir(images)).to.deep.equal([]);
  });

  it('keeps what a provider calls an image', async () => {
    const store = await DirectoryStore.open(images);
    const [identifier, targetImageId] = [newImageIdentifier(), newImageIdentifier()];
    const about = { identifier, provider: 'mock-one', targetImageId, template: '<template/>' };
    const names = { identifierOnProvider: 'i-1', account: 'anna' };
    await store.addProviderImage(await source(), { ...about, format: 'mock', ...names }, never);
    expect(await store.images.imageWithId(identifier)).to.include({
      status: 'COMPLETE',
      identifierOnProvider: 'i-1',
      targetImageId,
    });
    expect(await store.get(identifier)).to.include(names);
  });

  it('keeps the records of the latest failures alone', async () => {
    const store = await DirectoryStore.open(images, { keepFailed: 2 });
    const kept = await store.add(await source(), facts(), never);
    const ids: string[] = [];
    for (let number = 0; number < 4; number++) {
      const [base, target] = [newImageIdentifier(), newImageIdentifier()];
      ids.push(target);
      await writeFile(join(images, `${target}.log`), 'log');
      await store.record({ kind: 'base', identifier: base, template: '' }, failed);
      await store.record({ ...order(target), kind: 'target', target: 'mock', baseImageId: base }, failed);
    }
    const known = async (): Promise<number> =>
      (await store.images.query({ where: { status: 'FAILED' } })).total;
    await until('the older ones are gone', async () => (await known()) === 2);
    expect((await store.images.imageWithId(ids[3] ?? ''))?.status).to.equal('FAILED');
    expect(await store.images.imageWithId(ids[0] ?? '')).to.equal(undefined);
    const logs = async (): Promise<readonly string[]> =>
      (await readdir(images)).filter(name => name.endsWith('.log'));
    await until('their logs are too', async () => (await logs()).length === 1);
    expect(await logs()).to.deep.equal([`${ids[3]}.log`]);
    expect(await store.get(kept.identifier)).to.deep.equal(kept);
  });

  it('takes the place of a record that is not complete, or cannot be read', async () => {
    const identifier = newImageIdentifier();
    const store = await DirectoryStore.open(images);
    await store.record(order(identifier), failed);
    await store.record(order(identifier), { ...failed, percent: 50 });
    expect(await store.images.imageWithId(identifier)).to.include({ percentComplete: 50 });
    await writeFile(join(images, `${identifier}.meta`), '');
    await store.record(order(identifier), failed);
    expect((await store.images.imageWithId(identifier))?.status, 'after a power cut').to.equal('FAILED');
  });

  it('keeps the manifests of what is installed', async () => {
    const store = await DirectoryStore.open(images);
    const given = { ...facts(), packages: [{ name: 'bash', version: '5', arch: 'all', type: 'generic' }] };
    const image = await store.add(await source(), given, never);
    expect((await store.images.imageWithId(image.identifier))?.icicle).to.include('<package name="bash">');
    expect(await store.images.attachment(image.identifier, 'cyclonedx'))
      .to.include('pkg:generic/bash@5?arch=all')
      .and.include(image.sha256);
  });

  it('knows only what it has, and takes no path for a name', async () => {
    const store = await DirectoryStore.open(images);
    await writeFile(join(directory, 'x.meta'), '{}');
    expect(await store.get(newImageIdentifier())).to.equal(undefined);
    expect(await store.get('../x')).to.equal(undefined);
    const error = await rejection(store.add(await source(), { ...facts(), identifier: '../x' }, never));
    expect(error.message).to.equal('the identifier of an image must be a uuid in lower case');
  });

  it('takes no symbolic link', async () => {
    const store = await DirectoryStore.open(images);
    const link = join(directory, 'link');
    await symlink('/etc/hostname', link);
    const error = await rejection(store.add(link, facts(), never));
    expect(error).to.be.instanceOf(BuildError);
    expect(error.message).to.match(/is no regular file$/);
    expect(await readdir(images)).to.deep.equal([]);
  });

  it('leaves nothing when the build is aborted meanwhile', async () => {
    const store = await DirectoryStore.open(images);
    const error = await rejection(store.add(await source(), facts(), { signal: AbortSignal.abort() }));
    expect(error).to.be.instanceOf(BuildError).and.include({ code: 'aborted' });
    expect(await readdir(images)).to.deep.equal([]);
  });
});
