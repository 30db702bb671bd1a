import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError, type FakeContext, fakeContext } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type BaseCacheOptions, cachedBase } from './base-cache.js';

describe('cachedBase', () => {
  let context: FakeContext;
  let made: number;
  let options: BaseCacheOptions;
  beforeEach(async () => {
    context = await fakeContext();
    made = 0;
    options = {
      directory: join(context.cache, 'x'),
      key: { suite: 'bookworm', packages: ['a', 'b'] },
      maxAge: 60,
      make: async path => {
        made += 1;
        await writeFile(path, `archive ${made}`);
      },
    };
  });
  afterEach(() => context.dispose());

  it('makes an archive once', async () => {
    const first = await cachedBase(options, context);
    const second = await cachedBase(options, context);
    expect([first.fromCache, second.fromCache, made]).to.deep.equal([false, true, 1]);
    expect(second.path).to.equal(first.path);
    expect(await readdir(options.directory)).to.have.length(1);
  });

  it('makes another one when what goes into it changes', async () => {
    const first = await cachedBase(options, context);
    const second = await cachedBase({ ...options, key: { suite: 'bookworm', packages: ['a'] } }, context);
    expect(second.path).not.to.equal(first.path);
  });

  it('makes it anew when it is too old, and removes leftovers', async () => {
    const { path } = await cachedBase(options, context);
    const leftover = join(options.directory, 'y.tar.z.partial');
    await writeFile(leftover, '');
    const longAgo = new Date(Date.now() - 48 * 3600 * 1000);
    for (const old of [path, leftover]) await utimes(old, longAgo, longAgo);
    expect((await cachedBase(options, context)).fromCache).to.equal(false);
    expect(await readFile(path, 'utf8')).to.equal('archive 2');
    expect(await readdir(options.directory)).to.have.length(1);
  });

  it('leaves nothing of a failure, and the next build tries again', async () => {
    const failing = {
      ...options,
      make: async (path: string) => {
        await writeFile(path, 'half');
        throw new BuildError('tool_failed', 'no mirror');
      },
    };
    const outcome = await cachedBase(failing, context).catch((error: unknown) => error);
    expect(outcome).to.have.property('message', 'no mirror');
    expect(await readdir(options.directory)).to.deep.equal([]);
    expect((await cachedBase(options, context)).fromCache).to.equal(false);
  });

  it('lets a second build wait for the first, and take over when the first fails', async () => {
    let fail = (_: Error): void => undefined;
    let started = (): void => undefined;
    const starting = new Promise<void>(resolve => (started = resolve));
    const slow = {
      ...options,
      make: () =>
        new Promise<void>((_, reject) => {
          fail = reject;
          started();
        }),
    };
    const first = cachedBase(slow, context).catch((error: unknown) => error);
    await starting;
    const second = cachedBase(options, context);
    fail(new Error('aborted'));
    expect(await first).to.have.property('message', 'aborted');
    expect((await second).fromCache).to.equal(false);
    expect(made).to.equal(1);
  });

  it('stops waiting when its build is aborted', async () => {
    const other = await fakeContext();
    let finish = (): void => undefined;
    let started = (): void => undefined;
    const starting = new Promise<void>(resolve => (started = resolve));
    const slow = {
      ...options,
      make: async (path: string) => {
        await new Promise<void>(resolve => {
          finish = resolve;
          started();
        });
        await writeFile(path, 'archive');
      },
    };
    const first = cachedBase(slow, context);
    await starting;
    const second = cachedBase(slow, other).catch((error: unknown) => error);
    other.abort();
    expect(await second).to.have.property('code', 'aborted');
    finish();
    expect((await first).fromCache).to.equal(false);
    await other.dispose();
  });
});
