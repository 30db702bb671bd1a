import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Store } from '../store.js';
import { ordered, refusal } from '../store.suite.js';
import { openStore, openStoreForReading } from './open.js';
import { restoreStore } from './restore.js';

describe('restoreStore', () => {
  let directory: string;
  let backup: string;
  beforeEach(async () => {
    const root = await mkdtemp(join(tmpdir(), 'imagefactory-restore-'));
    directory = join(root, 'store');
    backup = join(root, 'backup.db');
  });
  afterEach(() => rm(join(directory, '..'), { recursive: true }));

  const using = async <T>(work: (store: Store) => Promise<T>): Promise<T> => {
    const store = await openStore(directory);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  };
  const digest = async (path: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex');

  it('brings back the records of the backup, moves the others aside, and gives no number of an event twice', async () => {
    const { changes, id } = ordered();
    const later = ordered();
    const last = await using(async store => {
      await store.commit(changes);
      await store.backup(backup);
      return (await store.commit(later.changes)).at(-1)?.sequence ?? 0;
    });
    const before = await digest(backup);
    const aside = await restoreStore(directory, backup);
    expect(aside).to.equal(join(directory, 'store.db.old'));
    expect(await digest(backup)).to.equal(before);
    expect((await stat(join(directory, 'store.db'))).mode & 0o777).to.equal(0o600);
    await using(async store => {
      expect(await store.get('jobs', id)).to.include({ id });
      expect(await store.get('jobs', later.id)).to.equal(undefined);
      const events = await store.commit(ordered().changes);
      expect(events[0]?.sequence).to.equal(last + 1);
      expect(await store.check()).to.deep.equal([]);
    });
    await rm(join(directory, 'store.db'));
    await restoreStore(directory, join(directory, 'store.db.old'));
    await using(async store => expect(await store.get('jobs', later.id)).to.include({ id: later.id }));
  });

  it('is refused while a process has the store open, and for a file that is no intact backup; then nothing changes', async () => {
    await using(async store => {
      await store.commit(ordered().changes);
      await store.backup(backup);
      expect(await refusal(restoreStore(directory, backup))).to.equal('in_use');
    });
    const before = await digest(join(directory, 'store.db'));
    const names = await readdir(directory);
    expect(await refusal(restoreStore(directory, join(directory, 'none')))).to.equal('invalid');
    await writeFile(join(directory, 'empty'), '');
    expect(await refusal(restoreStore(directory, join(directory, 'empty')))).to.equal('invalid');
    await rm(join(directory, 'empty'));
    const whole = await readFile(backup);
    for (const damaged of [
      Buffer.from('a text '.repeat(2000)),
      whole.subarray(0, 3 * 4096),
      Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, 0x55)]),
    ]) {
      await writeFile(backup, damaged);
      expect(await refusal(restoreStore(directory, backup))).to.equal('damaged');
    }
    expect(await readdir(directory)).to.deep.equal(names);
    expect(await digest(join(directory, 'store.db'))).to.equal(before);
  });

  it('replaces a database that is damaged, of which it cannot read anything', async () => {
    const { changes, id } = ordered();
    await using(async store => {
      await store.commit(changes);
      await store.backup(backup);
    });
    for (const part of ['', '-wal', '-shm'])
      await writeFile(join(directory, `store.db${part}`), 'not a database');
    expect(await refusal(openStore(directory))).to.equal('damaged');
    expect(await restoreStore(directory, backup)).to.equal(join(directory, 'store.db.old'));
    const reader = openStoreForReading(directory);
    expect(await reader.get('jobs', id)).to.include({ id });
    await reader.close();
    expect(await readFile(join(directory, 'store.db.old'), 'utf8')).to.equal('not a database');
  });
});
