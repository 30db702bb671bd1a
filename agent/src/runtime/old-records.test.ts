import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { Catalog } from '@imagefactory/factory/catalog';
import { DirectoryImageManager, TargetImage } from '@imagefactory/factory/images';
import { recordingLogger } from '@imagefactory/factory/testing';
import { until } from '@imagefactory/factory/testing';
import { TestFactory } from '../testing/factory.test.fixture.js';
import { OldRecords } from '@imagefactory/factory/followers';

const failed = { outcome: { status: 'FAILED', type: 'NoSpace', info: 'the disk is full' } } as const;

/** Makes all that has ended in an image's record look as if it had so many days ago. */
async function age(directory: string, image: string, days: number): Promise<void> {
  const path = join(directory, 'catalog', `${image}.json`);
  const then = new Date(Date.now() - days * 24 * 3_600_000).toISOString();
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(/("(?:deleted|failed|created)":")[^"]+/g, `$1${then}`));
}

describe('old records', function () {
  this.timeout(180_000);

  describe('in a directory', () => {
    let directory: string;
    let catalog: Catalog;
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'old-records-test-'));
      catalog = Catalog.open(join(directory, 'catalog'));
    });
    afterEach(() => rm(directory, { recursive: true }));

    async function failedBuild(days: number): Promise<string> {
      const place = catalog.place('', '');
      const id = randomUUID();
      await catalog.addTargetImages(place, '<image/>', [{ id, target: 'mock', adaptor: id }]);
      await catalog.ended(id, failed);
      await age(directory, place.image, days);
      return id;
    }

    it('go after their time, unless the agent may be asked for them, they wait for a warehouse, or are here again', async () => {
      const images = await DirectoryImageManager.open(directory);
      const old = [await failedBuild(31), await failedBuild(400)];
      const young = await failedBuild(29);
      const [asked, waiting, fetched] = [await failedBuild(31), await failedBuild(31), await failedBuild(31)];
      await mkdir(join(directory, 'warehouse'));
      const line = JSON.stringify({ do: 'send', kind: 'target_image', id: waiting });
      await writeFile(join(directory, 'warehouse', 'waiting-1.jsonl'), `${line}\n`);
      await images.addImage(new TargetImage({ identifier: fetched, target: 'mock', status: 'COMPLETE' }));
      const log = recordingLogger();
      const records = new OldRecords({ catalog, images, days: 30, known: () => new Set([asked]), log });
      await until('they are gone', () => log.lines.length > 0);
      await records.stop();
      expect(log.lines.join('\n')).to.match(
        /^info.* 6 records and 0 templates have left the catalogue: .*30 days/,
      );
      expect(
        [...old, young, asked, waiting, fetched].map(id => catalog.imageOf(id) !== undefined),
      ).to.deep.equal([false, false, ...Array<boolean>(4).fill(true)]);
    });

    it('that cannot be removed are told of, and keep no agent from stopping', async () => {
      await rm(join(directory, 'catalog'), { recursive: true });
      const images = await DirectoryImageManager.open(directory);
      const log = recordingLogger();
      const known = (): ReadonlySet<string> => new Set<string>();
      const records = new OldRecords({ catalog, images, days: 30, known, log });
      await until('it is told', () => log.lines.length > 0);
      await records.stop();
      expect(log.lines.join('\n')).to.match(/^warn.*old records could not be removed: .*ENOENT/);
    });
  });

  it('go when an agent starts, except where it is to keep them for ever', async () => {
    const factory = await TestFactory.open();
    try {
      await factory.start(undefined);
      const [gone, left] = [await factory.build(), await factory.build()];
      await factory.stop();
      const { imageDirectory } = factory;
      const images = await DirectoryImageManager.open(imageDirectory);
      await images.deleteImageWithId(gone.id, { withChildren: true });
      const catalog = Catalog.open(join(imageDirectory, 'catalog'));
      await catalog.deleted([gone.id]);
      await age(imageDirectory, gone.image, 31);
      // What has ended can be asked for no more: that would keep its record too.
      await factory.start(undefined, { keepRecords: 0, keepFinished: 0 });
      await factory.build();
      await factory.stop();
      expect(catalog.imageOf(gone.id)).to.include({ id: gone.image });
      await factory.start(undefined, { keepFinished: 0 });
      await until('it is told', () => /3 records and 0 templates have left/.test(factory.log.join('\n')));
      expect([gone, left].map(({ id }) => catalog.imageOf(id)?.id)).to.deep.equal([undefined, left.image]);
    } finally {
      await factory.close();
    }
  });
});
