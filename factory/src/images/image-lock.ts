import { type Lock, waitForLock } from '../platform/files/lock.js';
import { ImageError } from './image-error.js';

/** Milliseconds for which to wait for another process that works on the same image. */
const patience = 10_000;

/** Work of this process on an image, so that it queues up here and only waits for other processes at the file. */
const queues = new Map<string, Promise<void>>();

/**
 * Does `work` while nobody else, in this process or another one, changes the image whose lock file this is.
 *
 * @throws ImageError `busy` when another process doesn't let go of it
 */
export async function withImageLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const mine = before.then(async () => {
    const lock = await patientLock(path);
    try {
      return await work();
    } finally {
      lock.release();
    }
  });
  const settled = mine.then(
    () => undefined,
    () => undefined,
  );
  queues.set(path, settled);
  try {
    return await mine;
  } finally {
    if (queues.get(path) === settled) queues.delete(path);
  }
}

async function patientLock(path: string): Promise<Lock> {
  const result = await waitForLock(path, patience);
  if (result.kind === 'held') return result.lock;
  throw new ImageError('busy', `${path} is held by ${result.by}; try again when that one is done`);
}
