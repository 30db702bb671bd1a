import { randomUUID } from 'node:crypto';
import { Catalog } from './index.js';

/** A process that adds builds to an image, and tells their uuids: `changer DIRECTORY IMAGE COUNT`. */
const [directory = '', image = '', count = ''] = process.argv.slice(2);
const catalog = Catalog.open(directory);
for (let number = 0; number < Number(count); number++) {
  const place = catalog.place(image, '');
  const id = randomUUID();
  await catalog.addTargetImages(place, '<image/>', [{ id, target: 'mock', adaptor: id }]);
  await catalog.ended(id, { outcome: { status: 'COMPLETED' } });
  process.stdout.write(`${id}\n`);
}
await catalog.settled();
