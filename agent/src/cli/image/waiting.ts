import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { waitingFor } from '@imagefactory/factory/followers';
import { openStoreForReading } from '@imagefactory/factory/store';

/** The objects that wait for the warehouse, as the store of an image directory has them. @throws StoreError */
export async function waitingIn(images: string): ReturnType<typeof waitingFor> {
  const directory = join(images, 'store');
  if (!existsSync(join(directory, 'store.db'))) return [];
  const store = openStoreForReading(directory);
  return await waitingFor(store).finally(() => store.close());
}
