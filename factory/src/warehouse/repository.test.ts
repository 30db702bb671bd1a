import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { DirectoryImageManager, newImageIdentifier } from '../images/index.js';
import { openMemoryStore, type Store } from '../store/index.js';
import { type Iwhd, startIwhd } from '../testing/iwhd.js';
import { rejection } from '../testing/until.js';
import { LocalRepository } from './local-repository.js';
import { type Repository, textOf } from './repository.js';
import { repositoryTemplates } from './templates.js';
import { WarehouseRepository } from './warehouse-repository.js';

for (const where of ['an image warehouse', "the agent's own directory"] as const) {
  describe(`a repository in ${where}`, () => {
    let directory: string;
    let iwhd: Iwhd;
    let repository: Repository;
    let store: Store;
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'repository-test-'));
      iwhd = await startIwhd();
      store = await openMemoryStore();
      repository =
        where === 'an image warehouse'
          ? new WarehouseRepository(iwhd.url)
          : new LocalRepository(await DirectoryImageManager.open(directory), store);
    });
    afterEach(async () => {
      await store.close();
      await iwhd.stop();
      await rm(directory, { recursive: true });
    });
    const [one, two, three] = [newImageIdentifier(), newImageIdentifier(), newImageIdentifier()];

    it('keeps texts and attributes, and changes them', async () => {
      expect(await repository.get('build', one)).to.equal(undefined);
      expect(await repository.body('template', one)).to.equal(undefined);
      expect(await repository.find('build', { image: one })).to.deep.equal([]);
      await repository.put('image', one, { template: two, latest_unpushed: three }, '<image/>');
      expect(await repository.get('image', one)).to.deep.equal({
        kind: 'image',
        id: one,
        attributes: { template: two, latest_unpushed: three },
      });
      await repository.setAttributes('image', one, { latest_unpushed: null, latest_build: three });
      expect((await repository.get('image', one))?.attributes).to.deep.equal({
        template: two,
        latest_build: three,
      });
      expect(await textOf((await repository.body('image', one))!)).to.equal('<image/>');
      expect(await repository.get('build', one), 'another kind').to.equal(undefined);
      await rejection(repository.setAttributes('image', two, { template: one }));
      expect([await repository.delete('image', one), await repository.delete('image', one)]).to.deep.equal([
        true,
        false,
      ]);
      expect(await repository.get('image', one)).to.equal(undefined);
    });

    it('keeps images, which are files, and finds them as pushes look for them', async () => {
      const file = join(directory, 'source');
      await writeFile(file, Buffer.alloc(300_000, 'x'));
      await repository.put('target_image', one, { target: 'mock', build: three }, { file });
      await repository.put('target_image', two, {
        target: 'rhevm',
        build: three,
        target_parameters: '<domain/>',
      });
      await repository.put('provider_image', three, {
        target_image: one,
        provider: '{"name": "say \\"hello\\""}',
        target_identifier: '007',
      });
      const ids = async (...query: Parameters<Repository['find']>): Promise<readonly string[]> =>
        (await repository.find(...query)).map(({ id }) => id).sort();
      expect(await ids('target_image', { build: three })).to.deep.equal([one, two].sort());
      expect(await ids('target_image', { build: three, target: 'mock' })).to.deep.equal([one]);
      expect(
        await ids('provider_image', { target_image: one, provider: '{"name": "say \\"hello\\""}' }),
      ).to.deep.equal([three]);
      expect(await ids('provider_image', { provider: '" || "" == "' })).to.deep.equal([]);
      expect(await ids('provider_image', { target_identifier: '7' })).to.deep.equal([]);
      expect(await ids('provider_image', {})).to.deep.equal([three]);
      expect((await textOf((await repository.body('target_image', one))!)).length).to.equal(300_000);
      await repository.setAttributes('provider_image', three, { provider_account_identifier: 'me' });
      expect((await repository.get('provider_image', three))?.attributes).to.include({
        provider_account_identifier: 'me',
        target_identifier: '007',
      });
    });

    it('finds exactly the objects with the values, whatever those are', async () => {
      const value = fc.oneof(
        fc.constantFrom('7', '07', '"', 'a" || "a', '$image', "'", ' ', '\\"'),
        fc.string({ minLength: 1, maxLength: 5 }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 4 }), value, async (values, wanted) => {
          const ids = values.map(newImageIdentifier);
          for (const [index, id] of ids.entries())
            await repository.put('build', id, { image: values[index]! });
          const found = (await repository.find('build', { image: wanted })).map(({ id }) => id);
          expect(found).to.have.members(ids.filter((_, index) => values[index] === wanted));
          for (const id of ids) await repository.delete('build', id);
        }),
        { numRuns: 15, examples: [[['None', 'x'], 'x']] },
      );
    });

    it('is a source of templates', async () => {
      await repository.put('template', one, {}, '<template/>');
      const source = repositoryTemplates(repository);
      expect(await source.lookup(one, {})).to.deep.equal({ text: '<template/>', passwordsRemoved: false });
      expect(await source.lookup(two, {})).to.equal(undefined);
      const os =
        '<os><name>Fedora</name><version>14</version><arch>x86_64</arch><rootpw>***</rootpw><install type="url"><url>http://h/</url></install></os>';
      await repository.put('template', two, {}, `<template><name>x</name>${os}</template>`);
      expect(await source.lookup(two, {})).to.include({ passwordsRemoved: true });
    });

    it('takes no path for a name', async () => {
      for (const id of ['../x', '_policy', '', 'a/b']) {
        expect(await rejection(repository.get('build', id)), id).to.include({ code: 'invalid' });
      }
    });
  });
}
