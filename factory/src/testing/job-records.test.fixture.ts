import { join } from 'node:path';
import { openStore, type Store } from '../store/index.js';
import type { EngineRecord } from '../jobs/index.js';
import { JobRecords } from '../jobs/index.js';
import type { Logger } from '../platform/log/index.js';

const open = new Map<string, Store>();

export interface OpenedRecords extends Pick<EngineRecord, 'jobs' | 'earlier'> {
  readonly store: Store;
}

/** The records of an image directory as a start of the agent finds them; whoever had them open before is as good as killed. */
export async function openRecords(images: string, log: Logger): Promise<OpenedRecords> {
  await open.get(images)?.close();
  const store = await openStore(join(images, 'store'));
  open.set(images, store);
  const { records: jobs, found: earlier } = await JobRecords.open(store, log);
  return { store, jobs, earlier };
}

export async function closeRecords(images: string): Promise<void> {
  await open.get(images)?.close();
  open.delete(images);
}
