import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../store.js';
import { describeStore } from '../store.suite.js';
import { openMemoryStore, openStore } from './open.js';

describeStore('SQLite in memory', async now => {
  const store = await openMemoryStore({ now });
  return { store, remove: () => store.close() };
});

describeStore('SQLite in a directory', async now => {
  const directory = await mkdtemp(join(tmpdir(), 'imagefactory-store-'));
  let current: Store = await openStore(directory, { now });
  return {
    store: current,
    reopen: async () => {
      await current.close();
      current = await openStore(directory, { now });
      return current;
    },
    remove: async () => {
      await current.close();
      await rm(directory, { recursive: true });
    },
  };
});
