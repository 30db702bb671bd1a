import { Catalog } from './index.js';

/** A process that removes all from a catalogue that was deleted or has failed until now, again and again: `sweeper DIRECTORY`. */
const [directory = ''] = process.argv.slice(2);
const catalog = Catalog.open(directory);
process.stdout.write('begins\n');
for (;;) await catalog.removeOld({ before: new Date().toISOString(), isInUse: () => false });
