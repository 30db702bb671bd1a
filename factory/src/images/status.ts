import { ImageError } from './image-error.js';

/**
 * The legal changes of an image's status, in the words of Image Factory's second version.
 *
 * An image is `NEW` from the moment it is made, `PENDING` while it waits for its parent or its turn, `BUILDING` while somebody works on
 * it, and then `COMPLETE` or `FAILED`. What is imported goes from `NEW` to `COMPLETE` at once. `DELETING` leads to `DELETED`, after which it
 * is gone from the store, or to `DELETEFAILED`, from where it can be tried again.
 */
export const imageTransitions = {
  NEW: ['PENDING', 'BUILDING', 'COMPLETE', 'FAILED', 'DELETING'],
  PENDING: ['BUILDING', 'FAILED', 'DELETING'],
  BUILDING: ['COMPLETE', 'FAILED', 'DELETING'],
  COMPLETE: ['DELETING'],
  FAILED: ['DELETING'],
  DELETING: ['DELETED', 'DELETEFAILED'],
  DELETED: [],
  DELETEFAILED: ['DELETING'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type ImageStatus = keyof typeof imageTransitions;

export function isImageStatus(value: unknown): value is ImageStatus {
  return typeof value === 'string' && Object.hasOwn(imageTransitions, value);
}

/** @throws ImageError `invalid` for a change that the table doesn't have */
export function assertImageTransition(from: ImageStatus, to: ImageStatus): void {
  const legal: readonly ImageStatus[] = imageTransitions[from];
  if (!legal.includes(to)) throw new ImageError('invalid', `an image cannot go from ${from} to ${to}`);
}

/** Whether somebody is at work on it, so that it must not be found like this after a crash. */
export function isBusy(status: ImageStatus): boolean {
  return status === 'PENDING' || status === 'BUILDING' || status === 'DELETING';
}
