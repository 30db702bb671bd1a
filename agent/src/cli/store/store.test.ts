import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '@imagefactory/factory/store';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Ran, runProgram } from '../../testing/command.test.fixture.js';

describe('imagefactory store', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'store-command-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const run = (...args: readonly string[]): Promise<Ran> =>
    runProgram('store', ...args, '--imgdir', directory);

  async function ordered(store: Store): Promise<string> {
    const [id, orderId] = [randomUUID(), randomUUID()];
    await store.commit([
      { change: 'order.add', order: { id: orderId, caller: 'anna', door: 'qmf', action: 'build' } },
      { change: 'job.add', job: { id, kind: 'target', orderId }, secret: 'hunter2' },
    ]);
    return id;
  }

  it('checks and backs up beside the process that has the store open, and restores after it', async () => {
    const backup = join(directory, 'backup.db');
    const store = await openStore(join(directory, 'store'));
    const id = await ordered(store);
    expect(await run('check')).to.deep.equal({ status: 0, stdout: 'no disagreements\n', stderr: '' });
    expect(await run('backup', backup)).to.include({ status: 0, stderr: '' });
    expect((await readFile(backup)).includes('hunter2')).to.equal(false);
    expect(await run('backup', backup)).to.include({ status: 1, stdout: '' });
    for (const command of [['rebuild'], ['restore', backup]])
      expect(await run(...command))
        .to.have.property('stderr')
        .that.matches(/is in use by process .*: stop that process/);
    const later = await ordered(store);
    await store.close();
    const { status, stdout } = await run('restore', backup, '--json');
    expect({ status, ...(JSON.parse(stdout) as object) }).to.deep.equal({
      ...{ status: 0, aside: join(directory, 'store', 'store.db.old') },
    });
    const restored = await openStore(join(directory, 'store'));
    expect(await restored.get('jobs', id)).to.include({ id });
    expect(await restored.get('jobs', later)).to.equal(undefined);
    await restored.close();
  });

  it('ends with 6 when something disagrees, each with its remedy, and with 1 where there is no store', async () => {
    expect(await run('check')).to.include({ status: 1, stdout: '' });
    const store = await openStore(join(directory, 'store'));
    const id = await ordered(store);
    await store.close();
    await rm(join(directory, 'store', 'secrets', id));
    expect(await run('check')).to.deep.equal({
      ...{ status: 6, stderr: '' },
      stdout: `the secret of job ${id} is lost; abort job ${id} and order it again\n1 found\n`,
    });
    const { stdout } = await run('check', '--json');
    expect(JSON.parse(stdout)).to.have.property('problems').that.has.lengthOf(1);
    expect(await run('restore', join(directory, 'none'))).to.include({ status: 1 });
  });

  it('rebuilds, and lists the records that are lost', async () => {
    const store = await openStore(join(directory, 'store'));
    const id = await ordered(store);
    await store.close();
    await writeFile(join(directory, `${id}.meta`), '{');
    const { status, stdout } = await run('rebuild');
    expect(status).to.equal(0);
    expect(stdout).to.include('0 images, 0 image sets and 0 templates are in the new database');
    expect(stdout).to.match(new RegExp(`lost: .*${id}.meta: it is no JSON; restore`));
    expect(stdout).to.include(`lost: job ${id} (target, new): order it again`);
  });
});
