import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { whichTool } from '../which.js';
import { holdBlock } from './id-lock.js';

const blocks = [
  { uid: 100_000, gid: 100_000 },
  { uid: 165_536, gid: 165_536 },
];

describe('holdBlock', () => {
  let directory: string;
  beforeEach(async function () {
    if ((await whichTool('flock')) === undefined) this.skip();
    directory = await mkdtemp(join(tmpdir(), 'ids-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));
  const hold = (signal = new AbortController().signal, onWait?: () => void) =>
    holdBlock(blocks, { signal, directory, ...(onWait === undefined ? {} : { onWait }) });

  it('gives each its own block, and the next waits until one is free', async () => {
    const [first, second] = await Promise.all([hold(), hold()]);
    expect(first.block.uid).not.to.equal(second.block.uid);
    let waited = false;
    const third = hold(undefined, () => {
      waited = true;
      void first.release();
    });
    expect((await third).block).to.deep.equal(first.block);
    expect(waited).to.equal(true);
    await second.release();
    await (await third).release();
  });

  it('waits no longer than the build lives', async () => {
    const held = await Promise.all([hold(), hold()]);
    const abort = new AbortController();
    const outcome = await hold(abort.signal, () => abort.abort()).catch((error: unknown) => error);
    expect(outcome).to.have.property('code', 'aborted');
    for (const one of held) await one.release();
  });

  it('loses its block with its process, however that ends', async () => {
    const code = `
      const { holdBlock } = await import(${JSON.stringify(new URL('./id-lock.js', import.meta.url).href)});
      await holdBlock([{ uid: 100000, gid: 1 }], { signal: new AbortController().signal, directory: ${JSON.stringify(directory)} });
      console.log('held');
      setInterval(() => undefined, 1000);`;
    const child = execFile(process.execPath, ['--input-type=module', '-e', code]);
    await new Promise(resolve => child.stdout?.once('data', resolve));
    const one = [{ uid: 100_000, gid: 1 }];
    const mine = holdBlock(one, {
      ...{ signal: new AbortController().signal, directory },
      onWait: () => void child.kill('SIGKILL'),
    });
    await (await mine).release();
    expect(child.killed).to.equal(true);
  });

  it('uses no directory that somebody else chose', async () => {
    await symlink(tmpdir(), join(directory, 'link'));
    const outcome = await holdBlock(blocks, {
      ...{ signal: new AbortController().signal, directory: join(directory, 'link') },
    }).catch((error: unknown) => error);
    expect(outcome).to.have.property('code', 'not_permitted');
  });
});
