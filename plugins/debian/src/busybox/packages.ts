import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError, type ToolRunner } from '@imagefactory/plugin-api';
import { proxyEnvironment, runApt } from '../apt/apt-errors.js';
import { oneLineList, type Source } from '../apt/choose-sources.js';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Fetches the package of a static busybox and that of the kernel, and unpacks both below `work`. apt gets a state of its own, so
 * neither the machine's package lists nor rights over them are needed.
 *
 * @returns the directory with the unpacked files, and the kernel's version
 */
export async function fetchPackages(
  run: ToolRunner,
  work: string,
  sources: readonly Source[],
  kernelPackage: string,
): Promise<{ readonly unpacked: string; readonly kernelVersion: string }> {
  const debs = join(work, 'debs');
  const unpacked = join(work, 'unpacked');
  const state = join(work, 'apt');
  for (const directory of [debs, unpacked, join(state, 'lists', 'partial'), join(state, 'cache')]) {
    await mkdir(directory, { recursive: true });
  }
  const list = join(state, 'sources.list');
  await writeFile(list, oneLineList(sources).replaceAll(/^deb /gm, `deb [arch=amd64 signed-by=${keyring}] `));
  const options = Object.entries({
    'APT::Architecture': 'amd64',
    'APT::Architectures': 'amd64',
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    'Acquire::Languages': 'none',
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': state,
    'Dir::State::lists': join(state, 'lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(state, 'cache'),
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const env = proxyEnvironment(process.env);

  await runApt(run, 'apt-get', [...options, 'update'], { label: 'fetching the package lists', env });
  const { stdout } = await run('apt-cache', [...options, 'depends', '--important', kernelPackage], { env });
  const kernel = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
  if (kernel === undefined)
    throw new BuildError('internal', `${kernelPackage} does not say which kernel it stands for`);
  await runApt(run, 'apt-get', [...options, 'download', 'busybox-static', kernel], {
    label: 'downloading busybox and the kernel',
    cwd: debs,
    env,
  });
  for (const name of await readdir(debs)) await run('dpkg-deb', ['-x', join(debs, name), unpacked]);
  return { unpacked, kernelVersion: kernel.slice('linux-image-'.length) };
}
