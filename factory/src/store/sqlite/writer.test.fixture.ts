// A program that records orders in a store until it is killed, and prints each that the store has acknowledged:
// node FILE DIRECTORY SECRET
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openStore } from './open.js';

/** A line of the output. */
export interface Acknowledged {
  readonly job: string;
  readonly image: string;
  /** The events of the step. */
  readonly sequences: readonly number[];
}

const [, , directory = '', secret = ''] = process.argv;
const store = await openStore(directory);

async function work(): Promise<never> {
  for (;;) {
    const [job, image, orderId] = [randomUUID(), randomUUID(), randomUUID()];
    const events = await store.commit([
      { change: 'order.add', order: { id: orderId, caller: 'anna', door: 'qmf', action: 'build' } },
      { change: 'job.add', job: { id: job, kind: 'target', orderId, image }, secret },
      {
        ...{ change: 'image.put', job },
        image: {
          ...{ id: image, kind: 'target', status: 'pending', percent: 0, activity: 'accepted' },
          ...{ parameters: {}, properties: {} },
        },
      },
    ]);
    const line: Acknowledged = { job, image, sequences: events.map(({ sequence }) => sequence) };
    // At once: what is printed survives a kill.
    writeSync(1, `${JSON.stringify(line)}\n`);
  }
}

await Promise.all([work(), work(), work(), work()]);
