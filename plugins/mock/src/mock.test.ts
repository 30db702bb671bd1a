import { readFile } from 'node:fs/promises';
import { BuildError } from '@imagefactory/plugin-api';
import { type FakeContext, fakeContext, fakeTemplate } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { mockCloud, mockOs } from './index.js';

async function failureOf(work: Promise<unknown>): Promise<BuildError> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof BuildError)) throw new Error(`expected a BuildError, got ${String(outcome)}`);
  return outcome;
}

describe('mock plugins', () => {
  let context: FakeContext;
  beforeEach(async () => {
    context = await fakeContext();
  });
  afterEach(() => context.dispose());

  it('build the empty template', async () => {
    const template = fakeTemplate();
    expect(mockOs().supports(template)).to.equal(true);
    const base = await mockOs({ stepDelay: 0 }).buildBase(template, context);
    const image = await mockCloud({ stepDelay: 0 }).buildTarget('mock', base, template, context);
    expect(image.format).to.equal('mock');
    expect(await readFile(image.path, 'utf8')).to.equal(
      ':description: ""\n:name: ""\n:owner_id: fedoraproject\n:architecture: x86_64\n',
    );
  });

  it('write what the template says, safely quoted', async () => {
    const template = fakeTemplate({
      name: 'web-1',
      description: 'two\nlines: "x"',
      os: {
        name: 'Fedora',
        version: '14',
        arch: 'i386',
        install: { type: 'url', url: 'http://example.com/' },
      },
    });
    const base = await mockOs({ stepDelay: 0 }).buildBase(template, context);
    expect(await readFile(base.path, 'utf8')).to.equal(
      ':description: "two\\nlines: \\"x\\""\n:name: web-1\n:owner_id: fedoraproject\n:architecture: i386\n',
    );
  });

  it('report the steps of the original', async () => {
    await mockOs({ stepDelay: 0 }).buildBase(fakeTemplate(), context);
    expect(context.progress.fractions).to.deep.equal([0, 0.25, 0.5, 0.75, 1, 1]);
    const other = await fakeContext();
    const base = { path: '/nonexistent', format: 'raw' };
    await mockCloud({ stepDelay: 0 }).buildTarget('mock', base, fakeTemplate(), other);
    expect(other.progress.fractions.map(fraction => 20 + 80 * fraction)).to.deep.equal([
      20, 50, 75, 95, 100, 100,
    ]);
    await other.dispose();
  });

  it('fail on purpose with the words of the original', async () => {
    const template = fakeTemplate({ text: 'FAIL' });
    const error = await failureOf(mockOs({ stepDelay: 0 }).buildBase(template, context));
    expect(error.code).to.equal('template_invalid');
    expect(error.message).to.equal('Testing failure conditions via mock target builder...');
    const base = { path: '/nonexistent', format: 'raw' };
    const late = await failureOf(mockCloud({ stepDelay: 0 }).buildTarget('mock', base, template, context));
    expect(late.message).to.equal(error.message);
  });

  it('stop at once when the build is aborted', async () => {
    const building = failureOf(mockOs({ stepDelay: 3_600_000 }).buildBase(fakeTemplate(), context));
    context.abort();
    expect((await building).code).to.equal('aborted');
    const again = await failureOf(mockOs({ stepDelay: 0 }).buildBase(fakeTemplate(), context));
    expect(again.code).to.equal('aborted');
  });
});
