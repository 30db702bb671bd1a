/**
 * A plugin of one's own: an OS plugin that makes an image of one line of text, and a target that takes it compressed. Runs on a
 * broker and an agent of its own.
 *
 * Usage: node examples/dist/own-plugin.js
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAgent } from '@imagefactory/agent';
import { connectConsole } from '@imagefactory/console-client';
import { BuildError, type CloudPlugin, type OsPlugin, whichTool } from '@imagefactory/plugin-api';
import { amqp10 } from '@imagefactory/qmf';
import { startBroker } from '@imagefactory/qmf/broker';

const hello: OsPlugin = {
  kind: 'os',
  name: 'hello',
  summary: 'Hello 1 on any machine',
  supports: template => template.os?.name.toLowerCase() === 'hello' && template.os.version === '1',
  doctor: () => Promise.resolve({ requirements: [] }),
  async buildBase(template, { progress, scratch, log, signal }) {
    if (template.packages.length > 0)
      throw new BuildError('template_invalid', 'packages: Hello has none to install');
    const path = join(scratch, 'hello.raw');
    await progress.step('writing the greeting', 1, async step => {
      log.info(`greeting for ${template.name}`);
      await writeFile(path, `Hello from ${template.name}\n`, { signal });
      step.update(1);
    });
    return { path, format: 'raw' };
  },
};

const gzip: CloudPlugin = {
  kind: 'cloud',
  name: 'gzip',
  summary: 'The image compressed by gzip',
  targets: ['gzip'],
  async doctor() {
    const path = await whichTool('gzip');
    return {
      requirements: [
        path === undefined
          ? { need: 'gzip', state: 'missing', detail: 'not on the PATH', remedy: 'apt-get install gzip' }
          : { need: 'gzip', state: 'met', detail: path },
      ],
    };
  },
  async buildTarget(_target, base, _template, { progress, run }) {
    return progress.step('compressing the image', 1, async () => {
      await run('gzip', ['--force', base.path]);
      return { path: `${base.path}.gz`, format: 'gzip' };
    });
  },
};

const descriptor = `<template>
  <name>first</name>
  <os>
    <name>hello</name> <version>1</version> <arch>x86_64</arch>
    <install type="url"><url>http://example.com/hello/</url></install>
  </os>
</template>`;

const directory = await mkdtemp(join(tmpdir(), 'own-plugin-'));
const broker = await startBroker();
const agent = await startAgent({
  bus: amqp10(broker.url),
  plugins: [hello, gzip],
  imageDirectory: directory,
});
const client = await connectConsole({ broker: broker.url });
const build = await (await client.findFactory()).buildImage({ descriptor, target: 'gzip' });
console.log(`made ${await build.finished()}`);
await client.close();
await agent.stop();
await broker.stop();
await rm(directory, { recursive: true });
