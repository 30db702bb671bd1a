import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildError } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { rejection } from '../testing/until.test.fixture.js';
import { DirectoryStore } from './directory-store.js';
import type { ImageFacts } from './image-store.js';
import { newImageIdentifier } from './persistent-image.js';

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

  it('knows the base image that an image was made from, with or without a body', async () => {
    const store = await DirectoryStore.open(images);
    for (const keep of [undefined, join(directory, 'base')]) {
      if (keep !== undefined) await writeFile(keep, 'base');
      const given = facts();
      await store.add(
        await source(),
        { ...given, base: { format: 'raw', ...(keep === undefined ? {} : { keep }) } },
        never,
      );
      const target = await store.images.imageWithId(given.identifier);
      if (target?.kind !== 'target') throw new Error('no target image');
      const base = await store.images.imageWithId(target.baseImageId ?? '');
      expect(base).to.include({
        kind: 'base',
        status: 'COMPLETE',
        format: 'raw',
        template: '<template/>',
        size: keep === undefined ? undefined : 4,
      });
    }
    expect((await readdir(images)).filter(name => name.endsWith('.body'))).to.have.lengthOf(3);
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
    const error = await rejection(store.add(link, { ...facts(), base: { format: 'raw' } }, never));
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
