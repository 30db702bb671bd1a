import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { BuildError } from '../errors.js';
import { bootImage, type BootResult } from './boot.js';

describe('bootImage', () => {
  let directory: string;
  const path = process.env['PATH'];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'boot-test-'));
    process.env['PATH'] = `${directory}:${path}`;
  });
  afterEach(async () => {
    process.env['PATH'] = path;
    await rm(directory, { recursive: true });
  });

  /** A program in qemu's place that crashes so many times. */
  async function crashing(times: number): Promise<BootResult> {
    const runs = join(directory, 'runs');
    const script = `#!/bin/sh
echo run >> ${runs}
[ "$(wc -l < ${runs})" -gt ${times} ] || kill -SEGV $$
echo READY
exec sleep 60
`;
    await writeFile(join(directory, 'qemu-system-x86_64'), script);
    await chmod(join(directory, 'qemu-system-x86_64'), 0o755);
    const accelerator = { name: 'tcg', qemuArgs: [], reason: 'a test' } as const;
    return bootImage({ image: 'none', format: 'raw', marker: 'READY', accelerator });
  }
  const runs = async (): Promise<number> =>
    (await readFile(join(directory, 'runs'), 'utf8')).trim().split('\n').length;

  it('boots again when qemu itself has crashed, which says nothing about the image', async () => {
    expect((await crashing(2)).transcript).to.include('READY');
    expect(await runs()).to.equal(3);
  });

  it('gives up when it crashes every time, and says so', async () => {
    const error: unknown = await crashing(99).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(BuildError).and.to.include({
      code: 'tool_failed',
      message: 'qemu ended with SIGSEGV before the image had done what was expected',
    });
    expect(await runs()).to.equal(3);
  });
});
