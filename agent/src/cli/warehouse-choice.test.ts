import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type Iwhd, startIwhd } from '@imagefactory/factory/testing';
import { rejection } from '@imagefactory/factory/testing';
import { warehouseOf } from './warehouse-choice.js';

describe('the choice of a warehouse', () => {
  it('is none by default', async () => {
    expect(await warehouseOf({})).to.equal(undefined);
  });

  it('refuses what does not fit together', async () => {
    const message = async (...flags: Parameters<typeof warehouseOf>): Promise<string> =>
      (await rejection(warehouseOf(...flags))).message;
    expect(await message({ image_bucket: 'x' })).to.equal('--image_bucket needs --warehouse');
    expect(await message({ warehouse: 'x:y' })).to.match(/^--warehouse: the warehouse must be/);
    expect(await message({ warehouse: 'http://user:2024/geheim@h/' }))
      .to.match(/without user and password/)
      .and.not.to.include('geheim');
    expect(await message({ warehouse: 'http://h/', warehouseKeyFile: 'k' })).to.include('go together');
    expect(
      await message({
        warehouse: 'http://h/',
        warehouseKeyFile: '/nowhere',
        warehouseSecretFile: '/nowhere',
      }),
    ).to.match(/^--warehouse-key-file \/nowhere cannot be read: there is no such file$/);
  });

  it('has buckets and credentials', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'warehouse-choice-'));
    const iwhd: Iwhd = await startIwhd();
    try {
      const [key, secret] = [join(directory, 'key'), join(directory, 'secret')];
      await writeFile(key, 'consumer\n');
      await writeFile(secret, 'geheim\n');
      const repository = await warehouseOf({
        warehouse: iwhd.url,
        warehouseKeyFile: key,
        warehouseSecretFile: secret,
        template_bucket: 'tdl',
      });
      await repository?.body('template', '0b3f0c3e-1111-4222-8333-444455556666');
      expect(iwhd.requests).to.deep.equal(['GET /tdl/0b3f0c3e-1111-4222-8333-444455556666']);
      expect(iwhd.authorizations[0]).to.include('oauth_consumer_key="consumer"');
      // Those of a configuration file are the second choice.
      const settings = { warehouse: iwhd.url, warehouseKey: 'of-the-file', warehouseSecret: 'geheim' };
      await (await warehouseOf(settings))?.body('template', '0b3f0c3e-1111-4222-8333-444455556666');
      expect(iwhd.authorizations[1]).to.include('oauth_consumer_key="of-the-file"');
      const files = { warehouseKeyFile: key, warehouseSecretFile: secret };
      const both = await warehouseOf({ ...settings, ...files });
      await both?.body('template', '0b3f0c3e-1111-4222-8333-444455556666');
      expect(iwhd.authorizations[2]).to.include('oauth_consumer_key="consumer"');
      expect((await rejection(warehouseOf({ warehouse: iwhd.url, warehouseKey: 'k' }))).message).to.include(
        'warehouse_key and warehouse_secret of the configuration file go together',
      );
    } finally {
      await iwhd.stop();
      await rm(directory, { recursive: true });
    }
  });
});
