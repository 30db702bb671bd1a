import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { whichTool } from '@imagefactory/plugin-api';
import { type FakeContext, fakeContext, fakeTemplate } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { openstackKvm } from './index.js';

describe('a real conversion to qcow2', () => {
  let context: FakeContext;
  before(async function () {
    const reason =
      process.env['IMAGEFACTORY_REAL'] !== '1'
        ? 'IMAGEFACTORY_REAL is not 1'
        : (await whichTool('qemu-img')) === undefined
          ? 'qemu-img is not installed'
          : undefined;
    if (reason === undefined) return;
    console.log(`      skipped: ${reason}`);
    this.skip();
  });
  beforeEach(async () => {
    context = await fakeContext({ run: 'real' });
  });
  afterEach(() => context.dispose());

  for (const compression of ['none', 'zlib', 'zstd'] as const) {
    it(`keeps the contents (${compression})`, async function () {
      this.timeout(180_000);
      const path = join(context.scratch, 'disk.raw');
      const body = Buffer.alloc(4 * 1024 * 1024, 'text that can be made smaller ');
      await writeFile(path, body);
      const base = { path, format: 'raw' };
      const image = await openstackKvm({ compression }).buildTarget(
        'openstack-kvm',
        base,
        fakeTemplate(),
        context,
      );
      await context.run('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', path, image.path]);
      const { stdout } = await context.run('qemu-img', ['info', '--output=json', image.path]);
      expect(JSON.parse(stdout)).to.deep.include({ format: 'qcow2', 'virtual-size': body.length });
      expect(context.progress.fractions.at(-1)).to.equal(1);
    });
  }
});
