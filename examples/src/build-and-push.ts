/**
 * For the author of an orchestrator that brings images to clouds: builds an image, pushes it to a provider, and reads what is on record of it.
 *
 * Usage: node examples/dist/build-and-push.js [BROKER]
 */
import { readFile } from 'node:fs/promises';
import { type Build, connectConsole } from '@imagefactory/console-client';

const console_ = await connectConsole({ broker: process.argv[2] ?? 'localhost' });
const factory = await console_.findFactory();
const template = await readFile(new URL('../templates/mock.tdl', import.meta.url), 'utf8');
const credentials = await readFile(new URL('../templates/mock-credentials.xml', import.meta.url), 'utf8');

/** Builds and pushes are followed in the same way. Throws a BuildFailedError when one fails. */
async function follow(what: string, build: Build): Promise<void> {
  for await (const change of build.changes()) {
    if (change.kind === 'status') console.log(`${what}: ${change.status}`);
  }
  await build.finished();
}

const builds = await factory.buildImages({ template, targets: ['mock'] });
for (const build of builds) await follow('build', build);

const [uuid = ''] = builds.map(({ name }) => name.slice(-36));
const { id: image } = await factory.imageRecord(uuid);
const pushes = await factory.pushImage({ image, providers: ['mock-one'], credentials });
for (const push of pushes) await follow('push', push);

for (const build of (await factory.imageRecord(image)).builds) {
  for (const { target, providerImages } of build.targetImages) {
    for (const { provider, targetIdentifier, outcome } of providerImages) {
      console.log(`${target} image at ${provider}: ${targetIdentifier ?? 'not there'} (${outcome.status})`);
    }
  }
}

await console_.close();
