import { saveRecording } from './files.js';
import { recordOnEmbedded } from './play.js';
import { scenarios } from './scenarios.js';

/** Makes the recordings of the scenarios that are named, or of all. */
const names = process.argv.slice(2);
const unknown = names.filter(name => !scenarios.some(scenario => scenario.name === name));
if (unknown.length > 0) {
  console.error(
    `no such scenario: ${unknown.join(', ')}; there are ${scenarios.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}
for (const scenario of scenarios.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const hasChanged = await saveRecording(scenario.name, await recordOnEmbedded(scenario));
  console.log(`${scenario.name}: ${hasChanged ? 'changed' : 'as before'}`);
}
