import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { amqp10, amqp091 } from './index.js';
import type * as qmf from './index.js';
import type * as brokerDoor from './broker/index.js';
import { checkVersion } from './libraries.js';

const home = resolve(import.meta.dirname, '..');
const load = createRequire(import.meta.url);

describe('the libraries whose insides are used', () => {
  it('are accepted in the versions that are installed', () => {
    expect(() => [amqp10('localhost'), amqp091('localhost')]).not.to.throw();
  });

  it('are accepted in patch releases alone', () => {
    for (const version of ['3.0.5', '3.0.6', '3.0.50', '3.0.6+build'])
      expect(() => checkVersion('rhea', '~3.0.5', version), version).not.to.throw();
    for (const version of ['3.0.4', '3.1.0', '2.0.5', '4.0.5', '3.0.6-beta.1', 'of an unknown version'])
      expect(() => checkVersion('rhea', '~3.0.5', version), version).to.throw(
        `rhea ${version} is installed, and this package needs ~3.0.5; run npm install rhea@~3.0.5`,
      );
  });

  describe('in an installation with others', () => {
    let directory: string;
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'libraries-'));
      for (const part of ['dist', 'package.json'])
        await cp(join(home, part), join(directory, 'qmf', part), { recursive: true });
    });
    afterEach(() => rm(directory, { recursive: true }));

    /** Our package beside the library in that version. */
    async function installed(name: string, version: string): Promise<string> {
      const modules = join(directory, 'node_modules');
      await mkdir(join(modules, '@imagefactory'), { recursive: true });
      for (const other of ['rhea', 'amqplib', 'uuid'].filter(other => other !== name))
        await symlink(folderOf(other), join(modules, other));
      await symlink(resolve(home, '../text'), join(modules, '@imagefactory/text'));
      await cp(folderOf(name), join(modules, name), { recursive: true });
      // For what the library itself imports.
      await symlink(dirname(folderOf(name)), join(modules, name, 'node_modules'));
      const manifest = join(modules, name, 'package.json');
      const text = await readFile(manifest, 'utf8');
      await writeFile(manifest, text.replace(/"version": "[^"]*"/, `"version": "${version}"`));
      return join(directory, 'qmf/dist');
    }

    it('stop AMQP 1.0 and the broker with rhea 4', async () => {
      const dist = await installed('rhea', '4.0.0');
      // The same modules under another path.
      const door = (await import(pathToFileURL(join(dist, 'index.js')).href)) as typeof qmf;
      const { startBroker } = (await import(
        pathToFileURL(join(dist, 'broker/index.js')).href
      )) as typeof brokerDoor;
      expect(() => door.amqp10('localhost'))
        .to.throw('rhea 4.0.0 is installed')
        .with.property('code', 'library_unsupported');
      expect(() => door.amqp091('localhost')).not.to.throw();
      const refusal = await startBroker().then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(refusal).to.have.property('code', 'library_unsupported');
    });

    it('stop AMQP 0-9-1 with amqplib 2.4', async () => {
      const dist = await installed('amqplib', '2.4.0');
      // The same modules under another path.
      const door = (await import(pathToFileURL(join(dist, 'index.js')).href)) as typeof qmf;
      expect(() => door.amqp091('localhost'))
        .to.throw('amqplib 2.4.0 is installed')
        .with.property('code', 'library_unsupported');
      expect(() => door.amqp10('localhost')).not.to.throw();
    });
  });
});

/** The folder that a library is installed in. */
function folderOf(name: string): string {
  let folder = dirname(load.resolve(name));
  while (!folder.endsWith(`node_modules/${name}`)) folder = dirname(folder);
  return folder;
}
