import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildError } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { rejection } from '../testing/until.test.fixture.js';
import { DirectoryStore, newImageIdentifier } from './directory-store.js';
import type { ImageFacts } from './image-store.js';

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
    format: 'raw',
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

  it('knows only what it has, and takes no path for a name', async () => {
    const store = await DirectoryStore.open(images);
    await writeFile(join(directory, 'x.meta'), '{}');
    expect(await store.get(newImageIdentifier())).to.equal(undefined);
    expect(await store.get('../x')).to.equal(undefined);
    const error = await rejection(store.add(await source(), { ...facts(), identifier: '../x' }, never));
    expect(error.message).to.equal('the name of an image must be a uuid in lower case');
  });

  it('takes no symbolic link', async () => {
    const store = await DirectoryStore.open(images);
    const link = join(directory, 'link');
    await symlink('/etc/hostname', link);
    const error = await rejection(store.add(link, facts(), never));
    expect(error).to.be.instanceOf(BuildError);
    expect(error.message).to.match(/is no regular file$/);
  });

  it('leaves nothing when the build is aborted meanwhile', async () => {
    const store = await DirectoryStore.open(images);
    const error = await rejection(store.add(await source(), facts(), { signal: AbortSignal.abort() }));
    expect(error).to.be.instanceOf(BuildError).and.include({ code: 'aborted' });
    expect(await readdir(images)).to.deep.equal([]);
  });

  for (const step of ['body-written', 'meta-written', 'body-placed'] as const) {
    it(`has no half image when the process dies after ${step}`, async () => {
      const given = facts();
      const script = `
        import { DirectoryStore } from ${JSON.stringify(new URL('./directory-store.js', import.meta.url).href)};
        const store = await DirectoryStore.open(process.argv[1], {
          afterStep: step => { if (step === ${JSON.stringify(step)}) process.kill(process.pid, 'SIGKILL'); },
        });
        await store.add(process.argv[2], JSON.parse(process.argv[3]), { signal: new AbortController().signal });`;
      const { signal } = spawnSync(process.execPath, [
        '--input-type=module',
        '--eval',
        script,
        images,
        await source(),
        JSON.stringify(given),
      ]);
      expect(signal).to.equal('SIGKILL');
      const left = await readdir(images);
      expect(left).not.to.be.empty;
      const store = await DirectoryStore.open(images);
      expect(await store.get(given.identifier)).to.equal(undefined);
      expect(await readdir(images), 'what is fresh may be in the making').to.deep.equal(left);
    });
  }

  it('removes what killed agents left long ago, and nothing else', async () => {
    const store = await DirectoryStore.open(images);
    const image = await store.add(await source(), facts(), never);
    const orphan = newImageIdentifier();
    for (const name of [`${orphan}.body`, `${orphan}.meta.part`, 'agent.json'])
      await writeFile(join(images, name), '');
    const inTwoDays = { now: () => Date.now() + 48 * 3_600_000 };
    await DirectoryStore.open(images, inTwoDays);
    expect((await readdir(images)).sort()).to.deep.equal(
      ['agent.json', `${image.identifier}.body`, `${image.identifier}.meta`].sort(),
    );
  });
});
