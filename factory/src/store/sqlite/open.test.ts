import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { imageKinds, imageStatuses, jobKinds, jobStatuses } from '../states.js';
import type { Store } from '../store.js';
import { ordered, refusal } from '../store.suite.js';
import { Connection } from './driver.js';
import { databaseFile, Engine } from './engine.js';
import { WorkerHost } from './host.js';
import { applicationId, migrate, migrations } from './migrations.js';
import { openMemoryStore, openStore, openStoreForReading } from './open.js';

describe('store in a directory', () => {
  let directory: string;
  let database: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'imagefactory-store-'));
    database = join(directory, databaseFile);
  });
  afterEach(() => rm(directory, { recursive: true }));

  const using = async (work: (store: Store) => Promise<unknown>): Promise<void> => {
    const store = await openStore(directory);
    try {
      await work(store);
    } finally {
      await store.close();
    }
  };
  const opening = (): Promise<unknown> => Promise.resolve().then(() => openStoreForReading(directory));
  const withSecret = (secret: string) => {
    const { changes, id } = ordered();
    return { id, changes: changes.map(one => (one.change === 'job.add' ? { ...one, secret } : one)) };
  };

  it('records orders that come together by one transaction', async () => {
    await using(async store => {
      await Promise.all(Array.from({ length: 64 }, () => store.commit(ordered().changes)));
      expect(store.statistics()).to.deep.equal({ steps: 64, commits: 1 });
      const first = store.commit(ordered().changes);
      // Past the turn in which the first leaves for the worker.
      await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
      await Promise.all([first, ...Array.from({ length: 64 }, () => store.commit(ordered().changes))]);
      expect(store.statistics().steps).to.equal(129);
      // The first alone, and the others together, unless it was done before they came.
      expect(store.statistics().commits).to.equal(3);
    });
  });

  it('lets nobody else read its files, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      await chmod(directory, 0o777);
      await using(async store => {
        await store.commit(withSecret('hunter2').changes);
        await store.backup(join(directory, 'copy'));
        const names = await readdir(directory, { recursive: true });
        expect(names).to.include.members(['store.db', 'store.db-wal', 'store.holder', 'copy', 'secrets']);
        for (const name of names) {
          const found = await stat(join(directory, name));
          expect((found.mode & 0o777).toString(8), name).to.equal(found.isDirectory() ? '700' : '600');
        }
        expect(((await stat(directory)).mode & 0o777).toString(8)).to.equal('700');
      });
    } finally {
      process.umask(before);
    }
  });

  it('can be opened for reading, in use or not, which changes nothing', async () => {
    expect(await refusal(opening())).to.equal('not_found');
    const { changes, id } = withSecret('hunter2');
    await using(async store => {
      await store.commit(changes);
      const reader = openStoreForReading(directory);
      expect(await reader.get('jobs', id)).to.include({ id, status: 'new', secret: true });
      await store.commit(ordered().changes);
      expect(await reader.count('jobs')).to.equal(2);
      expect(await reader.check()).to.deep.equal([]);
      await reader.backup(join(directory, 'copy'));
      await reader.close();
      expect(await store.count('jobs')).to.equal(2);
    });
    const before = createHash('sha256')
      .update(await readFile(database))
      .digest('hex');
    const reader = openStoreForReading(directory);
    expect(await reader.count('jobs')).to.equal(2);
    // A store for writing all the same: the database itself refuses.
    const writing = reader as Store;
    expect(await refusal(writing.commit(ordered().changes))).to.equal('write_failed');
    await reader.close();
    expect(
      createHash('sha256')
        .update(await readFile(database))
        .digest('hex'),
    ).to.equal(before);
    await rm(join(directory, 'secrets'), { recursive: true });
    const again = openStoreForReading(directory);
    expect((await again.check()).map(({ problem }) => problem)).to.deep.equal([
      `the secret of job ${id} is lost`,
    ]);
    await again.close();
  });

  it('is not opened for reading when it has another version', async () => {
    await using(store => store.commit(ordered().changes));
    const connection = new Connection(database);
    for (const [version, code] of [
      [migrations.length + 1, 'newer_version'],
      [migrations.length - 1, 'invalid'],
    ] as const) {
      connection.exec(`PRAGMA user_version = ${version}`);
      expect(await refusal(opening())).to.equal(code);
    }
    connection.close();
  });

  it('can be read by another connection while it is in use', async () => {
    await using(async store => {
      const { changes, id } = ordered();
      await store.commit(changes);
      const reader = new Connection(database);
      expect(reader.all('SELECT id, status FROM jobs')).to.deep.equal([{ id, status: 'new' }]);
      expect(reader.get('PRAGMA journal_mode')).to.deep.equal({ journal_mode: 'wal' });
      reader.close();
    });
  });

  it('refuses a database of a newer version with the remedy, and changes nothing', async () => {
    await using(store => store.commit(ordered().changes));
    const connection = new Connection(database);
    connection.exec(`PRAGMA user_version = ${migrations.length + 1}`);
    connection.close();
    const before = await readFile(database);
    const error = await openStore(directory).catch((refused: unknown) => refused);
    expect(error).to.include({ code: 'newer_version' });
    expect(error)
      .to.have.property('message')
      .that.matches(/start the newer program again, or restore a backup/);
    expect((await readFile(database)).equals(before)).to.equal(true);
    expect(await refusal(openStore(directory))).to.equal('newer_version');
  });

  it('refuses what is no database of a store, and changes nothing', async () => {
    await writeFile(database, 'a file of somebody else\n'.repeat(1000));
    expect(await refusal(openStore(directory))).to.equal('damaged');
    expect(await readFile(database, 'utf8')).to.match(/^a file of somebody else/);
    await rm(database);
    const other = new Connection(database);
    other.exec('CREATE TABLE theirs (id TEXT)');
    other.close();
    expect(await refusal(openStore(directory))).to.equal('damaged');
    await rm(directory, { recursive: true });
    await writeFile(directory, '');
    expect(await refusal(openStore(directory))).to.equal('write_failed');
  });

  it('removes secrets that no job needs when it is opened', async () => {
    const kept = withSecret('hunter2');
    await using(store => store.commit(kept.changes));
    await writeFile(join(directory, 'secrets', randomUUID()), 'of a step that was never recorded');
    await using(async () => {
      expect(await readdir(join(directory, 'secrets'))).to.deep.equal([kept.id]);
    });
    await rm(join(directory, 'secrets', kept.id));
    await using(async store => {
      expect(await store.check()).to.deep.equal([
        {
          problem: `the secret of job ${kept.id} is lost`,
          remedy: `abort job ${kept.id} and order it again`,
        },
      ]);
    });
  });

  it('makes a backup while steps are recorded, which opens as a store and holds no secret', async () => {
    const copy = join(directory, 'copy.db');
    const ids: string[] = [];
    await using(async store => {
      const job = withSecret('hunter2');
      await store.commit(job.changes);
      ids.push(job.id);
      const backup = store.backup(copy);
      const during = Array.from({ length: 50 }, async () => store.commit(ordered().changes));
      await Promise.all([backup, ...during]);
      expect(await refusal(store.backup(copy))).to.equal('invalid');
      expect(await refusal(store.backup(join(directory, 'none', 'copy')))).to.equal('invalid');
    });
    const bytes = await readFile(copy);
    expect(bytes.includes('hunter2')).to.equal(false);
    const restored = await mkdtemp(join(tmpdir(), 'imagefactory-store-'));
    try {
      await writeFile(join(restored, databaseFile), bytes);
      const store = await openStore(restored);
      expect(await store.get('jobs', ids[0] ?? '')).to.include({ status: 'new' });
      expect((await store.check()).map(({ problem }) => problem)).to.deep.equal([
        `the secret of job ${ids[0] ?? ''} is lost`,
      ]);
      await store.close();
    } finally {
      await rm(restored, { recursive: true });
    }
    expect(await readdir(directory)).not.to.include('copy.db.part');
    const memory = await openMemoryStore();
    expect(await refusal(memory.backup(join(directory, 'memory')))).to.equal('invalid');
    await memory.close();
  });

  it('records nothing of a group when the disk is full, and goes on when there is room', () => {
    const engine = Engine.open(directory);
    try {
      const step = (size: number) => {
        const { changes } = ordered({ parameters: { text: 'x'.repeat(size) } });
        return { at: new Date().toISOString(), changes: JSON.stringify(changes) };
      };
      engine.commit([step(1)]);
      engine.limitPages(80);
      expect(() => engine.commit([step(1), step(1_000_000), step(1)])).to.throw('cannot be written');
      expect(engine.count('jobs', undefined)).to.equal(1);
      engine.limitPages(100_000);
      expect(engine.commit([step(1_000_000)]).map(({ kind }) => kind)).to.deep.equal(['recorded']);
      expect(engine.count('events', undefined)).to.equal(2);
    } finally {
      engine.close();
    }
  });

  it('answers what is under way before its thread ends, and refuses what comes after', async () => {
    const host = await WorkerHost.open(directory);
    const calls = [refusal(host.call('check')), refusal(host.call('jobsWithSecret'))];
    const unclonable = (() => 1) as never;
    expect(await refusal(host.call('get', 'jobs', unclonable))).to.equal('invalid');
    await host.end();
    expect(await Promise.all(calls)).to.deep.equal(['none', 'none']);
    expect(await refusal(host.call('check'))).to.equal('closed');
  });

  it('lets its process end in the middle of its work', () => {
    // Without a turn between the two threads the driver aborts the process in two of three runs.
    const program = `
      const { openStore } = await import(${JSON.stringify(new URL('../index.js', import.meta.url).href)});
      const store = await openStore(${JSON.stringify(directory)});
      for (let index = 0; index < 500; index++) store.check().catch(() => undefined);
      await store.count('jobs');
      process.exit(7);`;
    for (let run = 0; run < 5; run++) {
      const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
      expect({ status, signal, stderr: String(stderr) }).to.deep.equal({
        status: 7,
        signal: null,
        stderr: '',
      });
    }
  });
});

describe('migrations of the store', () => {
  it('lead from every version to the newest, with what is on record', () => {
    // A step that is to come: version 1 is what the first release has left.
    const steps = [...migrations, 'ALTER TABLE followers ADD COLUMN note TEXT'];
    const connection = new Connection(':memory:');
    migrate(connection, migrations.slice(0, 1));
    connection.run('INSERT INTO followers VALUES (?, ?, ?)', ['bus', 7, 'then']);
    migrate(connection, steps);
    migrate(connection, steps);
    expect(connection.all('SELECT * FROM followers')).to.deep.equal([
      { name: 'bus', position: 7, modified: 'then', note: null },
    ]);
    expect(connection.get('PRAGMA user_version')).to.deep.equal({ user_version: steps.length });
    expect(connection.get('PRAGMA application_id')).to.deep.equal({ application_id: applicationId });
    connection.close();
  });

  it('are never changed once they are released', () => {
    const digests = migrations.map(sql => createHash('sha256').update(sql).digest('hex'));
    // Add the digest of a new migration; never change one that is here.
    expect(digests).to.deep.equal(['6c10a988821e7c1db58f0d075c6047423c6b87ca44b29bab08f2861d6f390689']);
  });

  it('know every status and kind of the code', () => {
    for (const word of [...jobKinds, ...jobStatuses, ...imageKinds, ...imageStatuses])
      expect(migrations.join('\n')).to.include(`'${word}'`);
  });

  it('leave the version before when one fails', () => {
    const connection = new Connection(':memory:');
    migrate(connection, migrations);
    const broken = [...migrations, 'CREATE TABLE more (id TEXT); CREATE TABLE jobs (id TEXT)'];
    expect(() => migrate(connection, broken)).to.throw('already exists');
    expect(connection.get('PRAGMA user_version')).to.deep.equal({ user_version: migrations.length });
    expect(connection.get("SELECT 1 FROM sqlite_schema WHERE name = 'more'")).to.equal(undefined);
    connection.close();
  });
});

describe('SQLite driver', () => {
  it('refuses values that would end the process, and names the result codes', () => {
    const connection = new Connection(':memory:');
    for (const value of [true, {}, [], () => 1, undefined, 5n, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => connection.all('SELECT ?', [value as never])).to.throw('cannot be stored');
    expect(connection.get('SELECT ? AS text', ['a\0b'])).to.deep.equal({ text: 'a\ufffdb' });
    connection.exec('CREATE TABLE t (id TEXT PRIMARY KEY) STRICT');
    connection.run('INSERT INTO t VALUES (?)', ['x']);
    expect(() => connection.run('INSERT INTO t VALUES (?)', ['x']))
      .to.throw('UNIQUE')
      .with.property('code', 'SQLITE_CONSTRAINT_PRIMARYKEY');
    connection.close();
  });
});
