import { expect } from 'chai';
import { describe, it } from 'mocha';
import { tmpdir } from 'node:os';
import { realpath } from 'node:fs/promises';
import { checkExecutable } from './noexec.js';

describe('the check of the scratch directory', () => {
  const check = async (...mounts: readonly (readonly [string, string])[]): Promise<string> => {
    const table = mounts
      .map(([point, options]) => `1 2 0:3 / ${point} ${options} - tmpfs tmpfs rw`)
      .join('\n');
    return checkExecutable(tmpdir(), Promise.resolve(table)).then(
      () => 'fine',
      (error: unknown) => String(error),
    );
  };

  it('names a directory on a file system that is mounted noexec, and the remedies', async () => {
    const place = await realpath(tmpdir());
    const told = await check(['/', 'rw'], [place, 'rw,nosuid,noexec']);
    expect(told).to.include(tmpdir()).and.include('--tmpdir').and.include(`remount,exec ${place}`);
    expect(await check(['/', 'rw,noexec'])).to.include('is on /,');
  });

  it('goes by the deepest mount, and the last of several', async () => {
    const place = await realpath(tmpdir());
    expect(await check(['/', 'rw,noexec'], [place, 'rw'])).to.equal('fine');
    expect(await check(['/', 'rw'], [place, 'noexec'], [place, 'rw'])).to.equal('fine');
    expect(await check(['/', 'rw'], [`${place}x`, 'noexec'], [`${place}/below`, 'noexec'])).to.equal('fine');
    expect(await checkExecutable(tmpdir(), Promise.resolve('')).then(() => 'fine')).to.equal('fine');
  });
});
