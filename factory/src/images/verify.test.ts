import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { DirectoryImageManager } from './directory-image-manager.js';
import { newImageIdentifier, TargetImage } from './persistent-image.js';
import { verifyImages, type VerifyOptions } from './verify.js';

describe('verifyImages', () => {
  let directory: string;
  let images: DirectoryImageManager;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'verify-test-'));
    images = await DirectoryImageManager.open(join(directory, 'images'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function add(fields: { readonly baseImageId?: string } = {}): Promise<TargetImage> {
    const path = join(directory, 'source');
    await writeFile(path, 'body');
    const image = new TargetImage({ target: 'mock', status: 'COMPLETE', ...fields });
    await images.addImage(image, { body: { kind: 'move', path } });
    return image;
  }

  const kinds = async (options?: VerifyOptions): Promise<readonly string[]> =>
    (await verifyImages(images, options)).problems.map(
      ({ kind, identifier }) => `${kind} ${identifier ?? ''}`,
    );

  it('finds nothing where nothing is wrong', async () => {
    await add();
    await images.addImage(new TargetImage({ target: 'mock' }));
    expect(await verifyImages(images)).to.deep.equal({ images: 2, problems: [] });
  });

  it('finds what is wrong with each', async () => {
    const [gone, shorter, other, orphan] = [
      await add(),
      await add(),
      await add(),
      await add({ baseImageId: newImageIdentifier() }),
    ];
    await rm(gone.data ?? '');
    await writeFile(shorter.data ?? '', 'bod');
    await writeFile(other.data ?? '', 'BODY');
    const corrupt = newImageIdentifier();
    await writeFile(join(images.directory, `${corrupt}.meta`), '{');
    await writeFile(join(images.directory, `${newImageIdentifier()}.body`), 'left');
    const quick = [
      `corrupt_metadata ${corrupt}`,
      `body_missing ${gone.identifier}`,
      `body_changed ${shorter.identifier}`,
      `dangling_reference ${orphan.identifier}`,
      'leftover ',
    ];
    images = await DirectoryImageManager.open(images.directory, { readOnly: true });
    expect(await kinds({ quick: true })).to.have.members(quick);
    expect(await kinds()).to.have.members([...quick, `body_changed ${other.identifier}`]);
    expect(await kinds({ identifier: gone.identifier })).to.deep.equal([`body_missing ${gone.identifier}`]);
    expect(await kinds({ identifier: corrupt })).to.deep.equal([`corrupt_metadata ${corrupt}`]);
  });
});
