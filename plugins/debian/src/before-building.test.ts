import { BuildError, type Template } from '@imagefactory/plugin-api';
import { fakeContext, fakeTemplate } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { busyboxOs, debianOs } from './index.js';

const tebibyte = 1024 ** 4;

for (const [name, plugin] of [
  ['Debian', debianOs],
  ['busybox', busyboxOs],
] as const) {
  describe(`the plugin for ${name}, before it builds`, () => {
    const template = (parts: Partial<Template> = {}): Template =>
      fakeTemplate({
        os: { name, version: '12', arch: 'x86_64', install: { type: 'url', url: 'http://mirror.example/' } },
        ...parts,
      });
    let worked = false;
    const os = plugin({
      hostSources: () => {
        worked = true;
        return Promise.resolve([]);
      },
    });

    /** The error of a build whose scratch directory is not there, so that whoever looks at it says so. */
    async function failure(parts: Partial<Template>): Promise<unknown> {
      const context = await fakeContext();
      try {
        return await os.buildBase(template(parts), { ...context, scratch: '/nonexistent/scratch' }).then(
          () => undefined,
          (error: unknown) => error,
        );
      } finally {
        await context.dispose();
      }
    }

    for (const diskSize of [100 * tebibyte, 1]) {
      it(`refuses a disk of ${diskSize} bytes, as an order and as a build`, async () => {
        worked = false;
        expect(() => os.check?.(template({ diskSize })))
          .to.throw(BuildError)
          .with.property('code', 'disk_size');
        expect(await failure({ diskSize })).to.include({ code: 'disk_size' });
        expect(worked).to.equal(false);
      });
    }

    it('looks whether its scratch directory can have such a file, and runs programs', async () => {
      worked = false;
      expect(await failure({ diskSize: 2 * 1024 ** 3 })).to.include({ syscall: 'open' });
      expect(await failure({})).to.include({ syscall: 'realpath' });
      expect(worked).to.equal(false);
    });
  });
}
