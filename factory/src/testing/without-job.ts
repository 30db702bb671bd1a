import type { Change } from '../store/index.js';

/** The change of an image without the job that it is of, for tests that have images and no jobs. */
export function withoutJob(change: Change): Change {
  if (change.change === 'image.put') return { change: 'image.put', image: change.image };
  return change.change === 'image.update'
    ? { change: 'image.update', id: change.id, values: change.values }
    : change;
}
