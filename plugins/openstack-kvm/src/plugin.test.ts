import { type BaseImage, BuildError } from '@imagefactory/plugin-api';
import { type FakeContext, fakeContext, fakeRunner, fakeTemplate } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { openstackKvm } from './index.js';

describe('openstack-kvm', () => {
  let context: FakeContext;
  let run: ReturnType<typeof fakeRunner>;
  const raw: BaseImage = { path: '/x/disk.raw', format: 'raw' };
  beforeEach(async () => {
    run = fakeRunner(({ args, options }) => {
      if (args[0] === 'convert')
        for (const line of ['    (0.00/100%)', '    (50.00/100%)']) options.onLine?.(line, 'stdout');
      return '';
    });
    context = await fakeContext({ run });
  });
  afterEach(() => context.dispose());

  it('converts with the input format given, then checks', async () => {
    const image = await openstackKvm().buildTarget('openstack-kvm', raw, fakeTemplate(), context);
    expect(image).to.deep.equal({ path: `${context.scratch}/openstack-kvm.qcow2`, format: 'qcow2' });
    expect(run.runs.map(({ file, args }) => [file, ...args].join(' '))).to.deep.equal([
      `qemu-img convert -p -f raw -O qcow2 -o compat=1.1 /x/disk.raw ${image.path}`,
      `qemu-img check -q -f qcow2 ${image.path}`,
    ]);
    expect(context.progress.fractions).to.deep.equal([0, 0.45, 0.9, 1]);
  });

  it('compresses when told to', async () => {
    const options = async (compression: 'zlib' | 'zstd') => {
      await openstackKvm({ compression }).buildTarget('openstack-kvm', raw, fakeTemplate(), context);
      return run.runs.at(-2)?.args.join(' ');
    };
    expect(await options('zlib')).to.contain('-c -m 16 -W -o compat=1.1 ');
    expect(await options('zstd')).to.contain('-c -m 16 -W -o compat=1.1,compression_type=zstd ');
  });

  it('refuses what is no disk image', async () => {
    const mock: BaseImage = { path: '/x/mock.yml', format: 'mock' };
    const outcome = await openstackKvm()
      .buildTarget('openstack-kvm', mock, fakeTemplate(), context)
      .catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(BuildError).with.property('code', 'target_unsupported');
    expect(run.runs).to.deep.equal([]);
  });

  it('hands on the failure of the check', async () => {
    const failing = fakeRunner(({ args }) => {
      if (args[0] === 'check')
        throw new BuildError('tool_failed', 'qemu-img failed with status 2: 1 errors were found');
      return '';
    });
    const other = await fakeContext({ run: failing });
    const outcome = await openstackKvm()
      .buildTarget('openstack-kvm', raw, fakeTemplate(), other)
      .catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(BuildError).with.property('code', 'tool_failed');
    await other.dispose();
  });
});
