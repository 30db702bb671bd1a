/**
 * For the author of an orchestrator that brings images to clouds: builds an image for one or more targets, pushes it to a provider, and reads
 * what is on record of it. The broker may go away at any time, and so may this program's way to it.
 *
 * Usage: node examples/dist/build-and-push.js [BROKER [TARGET…]]
 */
import { readFile } from 'node:fs/promises';
import { type Build, BuildFailedError, connectConsole } from '@imagefactory/console-client';

const [broker = 'localhost', ...others] = process.argv.slice(2);
const targets = others.length > 0 ? others : ['mock'];
const console_ = await connectConsole({ broker });
const factory = await console_.findFactory();
const template = await readFile(new URL('../templates/mock.tdl', import.meta.url), 'utf8');
const credentials = await readFile(new URL('../templates/mock-credentials.xml', import.meta.url), 'utf8');

/** Builds and pushes are followed in the same way. A failure is told with its reason; whether all went well is the result. */
async function follow(what: string, build: Build): Promise<boolean> {
  for await (const change of build.changes()) {
    if (change.kind === 'status') console.log(`${what}: ${change.status}`);
  }
  try {
    await build.finished();
    return true;
  } catch (error) {
    if (!(error instanceof BuildFailedError)) throw error;
    console.error(`${what}: ${error.type}: ${error.message}`);
    return false;
  }
}

const builds = await factory.buildImages({ template, targets });
const built = await Promise.all(builds.map((build, index) => follow(`build for ${targets[index]}`, build)));
const [first] = builds;
if (first === undefined || built.includes(false)) process.exit(1);

// All of them belong to one image.
const { id: image } = await factory.imageRecord(first.imageId);
const pushes = await factory.pushImage({ image, providers: ['mock-one'], credentials });
for (const push of pushes) {
  if (!(await follow('push', push))) process.exitCode = 1;
}

for (const build of (await factory.imageRecord(image)).builds) {
  for (const { target, providerImages } of build.targetImages) {
    for (const { provider, targetIdentifier, outcome } of providerImages) {
      console.log(`${target} image at ${provider}: ${targetIdentifier ?? 'not there'} (${outcome.status})`);
    }
  }
}

await console_.close();
