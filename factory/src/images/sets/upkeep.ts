import { setTimeout as sleep } from 'node:timers/promises';
import { type Store, StoreError } from '../../store/index.js';
import { idsIn } from './documents.js';
import { type Expiry, withoutOld } from './expiry.js';
import type { ImageSets } from './image-sets.js';
import { allOf } from './rows.js';

/** Numbers of removed records. */
export interface Removed {
  /** Image sets, batches, and images. */
  readonly records: number;
  readonly templates: number;
}

/** Records that are looked at in one go, and milliseconds until the next: nobody waits for this, and others have work to do. */
const batch = 20;
const pause = 5;

/**
 * Removes old records of image sets, of images outside of them that have failed, and of templates that nothing refers to. Each image set is one
 * step. Stops between two steps if it is aborted.
 */
export async function removeOld(
  store: Store,
  sets: ImageSets,
  expiry: Expiry,
  signal?: AbortSignal,
): Promise<Removed> {
  const removed = { records: 0, templates: 0 };
  const removeIfOld = async (id: string): Promise<void> => {
    await sets.replace(id, before => {
      if (before === undefined) return undefined;
      const after = withoutOld(before, expiry);
      if (after === before) return undefined;
      removed.records += idsIn(before).size - (after.builds.length === 0 ? 0 : idsIn(after).size);
      return after;
    });
  };
  const alone = await allOf(store, 'images', [
    { field: 'batch', operator: '=', value: null },
    { field: 'status', operator: 'in', value: ['failed', 'deleted'] },
    { field: 'modified', operator: '<', value: expiry.before },
  ]);
  const templates = await allOf(store, 'templates', [{ field: 'used', operator: '<', value: expiry.before }]);
  const steps: readonly (() => Promise<void>)[] = [
    ...(await allOf(store, 'imageSets', [])).map(
      ({ id }) =>
        () =>
          removeIfOld(id),
    ),
    ...alone
      .filter(({ id }) => !expiry.isInUse(id))
      .map(({ id }) => async () => {
        await store.commit([{ change: 'image.remove', id }]);
        removed.records++;
      }),
    ...templates
      .filter(({ id }) => !expiry.isInUse(id))
      .map(({ id }) => async () => {
        if (await removedTemplate(store, id, expiry.before)) removed.templates++;
      }),
  ];
  for (const [index, step] of steps.entries()) {
    if (index % batch === 0) await sleep(pause);
    if (signal?.aborted === true) break;
    await step();
  }
  return removed;
}

/** Removes a template unless a job or an image refers to it, or it was used meanwhile. */
async function removedTemplate(store: Store, id: string, before: string): Promise<boolean> {
  if (((await store.get('templates', id))?.used ?? before) >= before) return false;
  try {
    await store.commit([{ change: 'template.remove', id }]);
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.code === 'conflict') return false;
    throw error;
  }
}
