// A program that records builds and follows their events until it is killed; for 'finish' it records none and ends when all is delivered:
// node FILE DIRECTORY WAREHOUSE build|finish
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DirectoryImageManager, ImageSets, TargetImage } from '../images/index.js';
import { silentLogger } from '../platform/log/index.js';
import { openStore } from '../store/index.js';
import { withoutJob } from '../testing/without-job.js';
import { WarehouseRepository } from '../warehouse/index.js';
import { Follower } from './follower.js';
import { newestSequence } from './positions.js';
import { Uploader } from './uploader.js';

/** A line of the output. */
export type Printed =
  /** A build whose end the store has acknowledged. */
  | { readonly image: string; readonly build: string; readonly id: string; readonly template: string }
  /** The sequence of an event that was delivered to the follower `reader`. */
  | { readonly delivered: number };

/** At once: what is printed survives a kill. */
function print(line: Printed): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

const [, , directory = '', warehouse = '', task = ''] = process.argv;
const store = await openStore(join(directory, 'store'));
const images = await DirectoryImageManager.open(directory);
const sets = new ImageSets(store);
const reader = await Follower.open({
  ...{ store, name: 'reader', types: ['image.state'], log: silentLogger },
  tasksOf: ({ sequence }) => Promise.resolve([String(sequence)]),
  work: sequence => {
    print({ delivered: Number(sequence) });
    return Promise.resolve();
  },
  isOutage: () => false,
});
const uploader = await Uploader.open({
  ...{ store, images, log: silentLogger },
  warehouse: new WarehouseRepository(warehouse),
  pauses: { pause: 1, longestPause: 1 },
});
reader.start();
uploader.start();

async function build(): Promise<never> {
  for (;;) {
    const place = await sets.place('', '');
    const [id, template] = [randomUUID(), randomUUID()];
    await sets.addTargetImages(place, '<image/>', [{ id, target: 'mock', template, adaptor: 'a' }], changes =>
      store.commit([
        { change: 'template.put', template: { id: template, text: '<template/>' } },
        ...changes.map(withoutJob),
      ]),
    );
    await images.addImage(new TargetImage({ identifier: id, target: 'mock', status: 'COMPLETE' }));
    await sets.ended(id, { outcome: { status: 'COMPLETED' } }, changes =>
      store.commit(changes.map(withoutJob)),
    );
    print({ ...place, id, template });
  }
}

if (task === 'build') await Promise.all([build(), build()]);
while (uploader.waiting > 0 || reader.waiting > 0) await sleep(5);
await reader.stop();
await uploader.stop();
const [end, position] = [await newestSequence(store), (await store.get('followers', 'reader'))?.position];
await store.close();
process.exitCode = end === position ? 0 : 1;
