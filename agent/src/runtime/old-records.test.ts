import { join } from 'node:path';
import {
  DirectoryImageManager,
  deleteImage,
  type ImageDocument,
  ImageSets,
} from '@imagefactory/factory/images';
import { openStore, type Store } from '@imagefactory/factory/store';
import { until } from '@imagefactory/factory/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { TestFactory } from '../testing/factory.test.fixture.js';

/** Makes the deletion of an image look as if it had been so many days ago. */
async function age(store: Store, id: string, days: number): Promise<void> {
  const row = await store.get('images', id);
  const deleted = new Date(Date.now() - days * 24 * 3_600_000).toISOString();
  const values = { properties: { ...row?.properties, deleted } };
  await store.commit([{ change: 'image.update', id, values }]);
}

describe('old records', function () {
  this.timeout(180_000);

  it('go when an agent starts, except where it is to keep them for ever', async () => {
    const factory = await TestFactory.open();
    const withStore = async <T>(work: (store: Store) => Promise<T>): Promise<T> => {
      const store = await openStore(join(factory.imageDirectory, 'store'));
      return await work(store).finally(() => store.close());
    };
    const setOf = (id: string): Promise<ImageDocument | undefined> =>
      withStore(store => new ImageSets(store).imageOf(id));
    try {
      await factory.start(undefined);
      const [gone, left] = [await factory.build(), await factory.build()];
      await factory.stop();
      const images = await DirectoryImageManager.open(factory.imageDirectory);
      await withStore(async store => {
        const context = { images, store, sets: new ImageSets(store), isElsewhere: () => false };
        await deleteImage(gone.id, { withChildren: true }, context);
        await age(store, gone.id, 31);
      });
      // Jobs on record keep their images.
      await factory.start(undefined, { keepRecords: 0, keepFinished: 0 });
      await factory.build();
      await factory.stop();
      expect(await setOf(gone.id)).to.include({ id: gone.image });
      await factory.start(undefined, { keepFinished: 0 });
      await until('it is logged', () => /records and 0 templates were removed/.test(factory.log.join('\n')));
      await factory.stop();
      expect([await setOf(gone.id), (await setOf(left.id))?.id]).to.deep.equal([undefined, left.image]);
    } finally {
      await factory.close();
    }
  });
});
