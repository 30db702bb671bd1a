import { BuildError } from '@imagefactory/plugin-api';
import { fakeContext, fakeRunner } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { installedPackages, parsePackages } from './installed-packages.js';

describe('the list of installed packages', () => {
  it('has what is installed, and not what was removed', () => {
    const output =
      'installed\tbash\t5.2.15-2+b2\tamd64\ninstalled\tlibc6:amd64\t2.36-9\tamd64\nconfig-files\told\t1\tall\nhalf';
    expect(parsePackages(output)).to.deep.equal([
      { name: 'bash', version: '5.2.15-2+b2', arch: 'amd64', type: 'deb', vendor: 'debian' },
      { name: 'libc6', version: '2.36-9', arch: 'amd64', type: 'deb', vendor: 'debian' },
    ]);
  });

  it('is left out when the guest cannot give it, except when the build was aborted', async () => {
    for (const code of ['tool_failed', 'aborted'] as const) {
      const run = fakeRunner(() => {
        throw new BuildError(code, 'no');
      });
      const context = await fakeContext({ run });
      try {
        const sandbox = await context.sandbox.open();
        const outcome = await installedPackages(sandbox, '/tree', context.log).catch(
          (error: unknown) => error,
        );
        if (code === 'aborted') expect(outcome).to.have.property('code', 'aborted');
        else expect(outcome).to.equal(undefined);
      } finally {
        await context.dispose();
      }
    }
  });
});
