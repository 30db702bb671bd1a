import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { openMemoryStore, type Store } from '../../store/index.js';
import { DirectoryImageManager } from '../directory-image-manager.js';
import { newImageIdentifier, ProviderImage, TargetImage } from '../persistent-image.js';
import { addMissingRows } from './meta-rows.js';

describe('images that were put into the directory', () => {
  let directory: string;
  let store: Store;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meta-rows-test-'));
    store = await openMemoryStore();
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  it('get a row each, once, with what their files say', async () => {
    const images = await DirectoryImageManager.open(directory);
    const base = newImageIdentifier();
    const target = new TargetImage({
      ...{ target: 'mock', baseImageId: base, status: 'COMPLETE', format: 'raw', percentComplete: 100 },
      ...{ os: { name: 'Fedora', version: '14', arch: 'x86_64' }, callerImageUuid: 'any text' },
      properties: { found: 'this' },
    });
    await images.addImage(target);
    const provider = new ProviderImage({
      ...{ provider: 'mock-one', targetImageId: target.identifier, identifierOnProvider: 'i-1' },
      ...{ status: 'FAILED', statusDetail: { activity: 'pushing', error: 'no' } },
    });
    await images.addImage(provider);
    expect(await addMissingRows(directory, store)).to.equal(2);
    expect(await store.get('images', target.identifier)).to.deep.include({
      ...{ kind: 'target', status: 'complete', parent: base, target: 'mock', format: 'raw', percent: 100 },
      ...{ os: { name: 'Fedora', version: '14', arch: 'x86_64' }, callerImageUuid: 'any text' },
      ...{ properties: { found: 'this' }, created: target.created },
    });
    expect(await store.get('images', provider.identifier)).to.deep.include({
      ...{ kind: 'provider', status: 'failed', parent: target.identifier, provider: 'mock-one' },
      ...{ identifierOnProvider: 'i-1', activity: 'pushing', error: 'no' },
    });
    expect(await addMissingRows(directory, store)).to.equal(0);
  });

  it("are taken from the original's files too, and a damaged file costs itself", async () => {
    const [original, damaged] = [newImageIdentifier(), newImageIdentifier()];
    const meta = { identifier: original, type: 'TargetImage', target: 'ec2', status: 'COMPLETE' };
    const about = { status_detail: { activity: 'done', error: null }, percent_complete: 100 };
    await writeFile(join(directory, `${original}.meta`), JSON.stringify({ ...meta, ...about }));
    await writeFile(join(directory, `${damaged}.meta`), '{');
    expect(await addMissingRows(directory, store)).to.equal(1);
    expect(await store.get('images', original)).to.include({ target: 'ec2', activity: 'done' });
  });
});
