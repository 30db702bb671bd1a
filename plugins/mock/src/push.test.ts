import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError, type PushedImage, type PushOrder } from '@imagefactory/plugin-api';
import { type FakeContext, fakeContext, fakeCredentials } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { mockCloud } from './index.js';

const identifier = '0b7c2f52-6a9e-4f0e-8f0b-0d1c6f9b8c11';

describe('pushing to a mock provider', () => {
  let context: FakeContext;
  beforeEach(async () => {
    context = await fakeContext();
    await writeFile(join(context.scratch, 'target.yml'), ':name: x\n');
  });
  afterEach(() => context.dispose());

  const push = async (kinds: Record<string, Record<string, string>>): Promise<PushedImage> => {
    const order: PushOrder = {
      target: 'mock',
      provider: { name: 'mock-provider1' },
      credentials: fakeCredentials(kinds),
      image: { identifier: 'target', path: join(context.scratch, 'target.yml'), format: 'mock' },
      identifier,
    };
    const pushed = await mockCloud({ stepDelay: 0 }).push?.(order, context);
    if (pushed === undefined) throw new Error('the mock cannot push');
    return pushed;
  };

  it('names the image as the original did, and leaves the target image as it is', async () => {
    const pushed = await push({ mock: { username: 'anna', password: 's3cret' } });
    expect(pushed).to.deep.include({
      identifierOnProvider: `Mock_mock-provider1_${identifier}`,
      account: 'anna',
    });
    expect(await readFile(pushed.record.path, 'utf8')).to.equal(':name: x\n');
    expect(await readFile(join(context.scratch, 'target.yml'), 'utf8')).to.equal(':name: x\n');
    expect(context.log.lines.join('\n')).not.to.contain('s3cret');
  });

  for (const [what, kinds, text] of [
    ['none', {}, 'none given'],
    ['those of another cloud', { ec2: { access_key: 'x' } }, 'ec2 given'],
    ['no user', { mock: { password: 'x' } }, 'name no user'],
  ] as const) {
    it(`wants credentials of its own: ${what}`, async () => {
      const outcome = await push(kinds).catch((error: unknown) => error);
      expect(outcome).to.be.instanceOf(BuildError).and.include({ code: 'credentials_refused' });
      expect(String(outcome)).to.contain(text).and.contain('<mock_credentials>');
    });
  }

  it('ends when it is aborted', async () => {
    context.abort();
    const outcome = await push({ mock: { username: 'anna' } }).catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(BuildError).and.include({ code: 'aborted' });
  });
});
