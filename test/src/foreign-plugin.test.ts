import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { connectConsole } from '@imagefactory/console-client';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { blockOf } from './support/doc-blocks.js';
import { Program, programs, projectRoot } from './support/program.js';

const template = `<template><name>first</name><os><name>hello</name><version>1</version><arch>x86_64</arch>
  <install type="url"><url>http://example.com/hello/</url></install></os></template>`;

describe('a package of plugins that is not ours', () => {
  let folder: string;
  let agent: Program | undefined;

  // As npm installs it: the package, and its peer, which is another copy than the agent's.
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'foreign-plugin-'));
    const modules = join(folder, 'node_modules');
    const own = join(modules, 'imagefactory-plugin-hello');
    await mkdir(own, { recursive: true });
    for (const part of ['dist', 'package.json'])
      await cp(join(projectRoot, 'plugins/api', part), join(modules, '@imagefactory/plugin-api', part), {
        recursive: true,
      });
    await symlink(join(projectRoot, 'node_modules/execa'), join(modules, 'execa'));
    const source = await blockOf('A package of plugins', 'js', 'docs/plugins.md');
    expect(source.split('\n').length).to.be.at.most(60);
    await writeFile(join(own, 'index.js'), source);
    await writeFile(
      join(own, 'package.json'),
      JSON.stringify({
        ...{ name: 'imagefactory-plugin-hello', version: '1.0.0', type: 'module', exports: './index.js' },
        peerDependencies: { '@imagefactory/plugin-api': '*' },
      }),
    );
  });
  afterEach(async () => {
    await agent?.stop();
    agent = undefined;
    await rm(folder, { recursive: true });
  });

  it('builds with its settings, by its name in a configuration file', async () => {
    const configuration = JSON.parse(await blockOf('A package of plugins', 'json', 'docs/plugins.md')) as {
      plugin: readonly unknown[];
    };
    // The path stands for another one, which would be there twice.
    const plugin = configuration.plugin.filter(entry => typeof entry !== 'string');
    await writeFile(join(folder, 'imagefactory.conf'), JSON.stringify({ plugin }));
    agent = new Program(programs.agent, [
      ...['--qmf', '--embedded-broker', '--foreground', '--no-bundled-plugins'],
      ...['--config', join(folder, 'imagefactory.conf'), '--imgdir', join(folder, 'images')],
    ]);
    await agent.says(/redhat\.com:imagefactory.*amqp:/);
    const broker = /amqp:\/\/\S+?(?=[\s,;]|$)/m.exec(agent.output)?.[0] ?? '';
    const client = await connectConsole({ broker });
    try {
      const factory = await client.findFactory();
      const build = await factory.buildImage({ descriptor: template, target: 'gzip' });
      const image = gunzipSync(await readFile(await build.finished())).toString();
      expect(image).to.equal('Good morning from first\n');
      const refused = await factory
        .buildImage({ descriptor: template, target: 'mock' })
        .catch((error: unknown) => String(error));
      expect(refused).to.include('known here: gzip');
    } finally {
      await client.close();
    }
  });

  const doctor = async (
    ...args: readonly string[]
  ): Promise<{ readonly text: string; readonly status: number | null }> => {
    const program = new Program(programs.agent, ['doctor', ...args], { cwd: folder });
    const { status } = await program.exited;
    return { text: program.output, status };
  };

  it('is loaded by its name, or the path of its module, from the working directory', async () => {
    for (const name of ['imagefactory-plugin-hello', './node_modules/imagefactory-plugin-hello/index.js'])
      expect((await doctor('--plugin', name)).text).to.include('OS plugin hello: Hello 1');
  });

  it('is refused by name, with the remedy', async () => {
    await writeFile(join(folder, 'none.mjs'), 'export default 1;\n');
    await writeFile(join(folder, 'new.mjs'), 'export default { api: 2, plugins: () => [] };\n');
    await writeFile(join(folder, 'broken.mjs'), 'export default ;\n');
    await writeFile(join(folder, 'wants.mjs'), "import 'nothing-of-that-name';\n");
    await writeFile(
      join(folder, 'wrong.conf'),
      '{"plugin": {"package": "imagefactory-plugin-hello", "settings": {"greting": "Ahoy"}}}',
    );
    for (const [args, text] of [
      [['--plugin', 'no-such-plugin'], 'plugin package no-such-plugin: it cannot be found from'],
      [['--plugin', './none.mjs'], 'its default export is no { api: 1, plugins(settings) }'],
      [['--plugin', './new.mjs'], 'it is for version 2 of the contract'],
      [['--plugin', './broken.mjs'], 'it failed to load'],
      [['--plugin', './wants.mjs'], 'nothing-of-that-name'],
      [['--config', 'wrong.conf'], 'settings: greting is unknown'],
    ] as const) {
      const { text: said, status } = await doctor(...args);
      expect(said, args.join(' ')).to.include(text);
      expect(status).to.equal(2);
    }
  });
});
