import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError, type Sandbox } from '@imagefactory/plugin-api';
import { runApt } from '../apt/apt-errors.js';
import { oneLineList, type Source } from '../apt/choose-sources.js';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

export interface FetchOptions {
  /** A directory of the sandbox; gets `debs/` with the packages. */
  readonly work: string;
  /** A directory of the builder, for the list of sources. */
  readonly scratch: string;
  readonly sources: readonly Source[];
  readonly kernelPackage: string;
}

/**
 * Fetches the package of a static busybox and that of the kernel. apt gets a state of its own, so neither the machine's package lists
 * nor rights over them are needed.
 *
 * @returns the kernel's version
 */
export async function fetchPackages(sandbox: Sandbox, options: FetchOptions): Promise<string> {
  const { work, scratch, sources, kernelPackage } = options;
  const debs = join(work, 'debs');
  const state = join(work, 'apt');
  const list = join(scratch, 'busybox.list');
  await writeFile(list, oneLineList(sources).replaceAll(/^deb /gm, `deb [arch=amd64 signed-by=${keyring}] `));
  await chmod(list, 0o644);
  await sandbox.tool('mkdir', ['-p', debs, join(state, 'lists', 'partial'), join(state, 'cache')]);
  const settings = Object.entries({
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
  const apt = (args: readonly string[], label: string) =>
    runApt(
      (file, words, given) =>
        sandbox.tool(file, words, { ...given, network: 'outbound', proxied: true, reads: [list], cwd: debs }),
      'apt-get',
      [...settings, ...args],
      { label },
    );

  await apt(['update'], 'fetching the package lists');
  const { stdout } = await sandbox.tool('apt-cache', [...settings, 'depends', '--important', kernelPackage], {
    reads: [list],
  });
  const kernel = /Depends: linux-image-([\w.+~-]+)/.exec(stdout)?.[1];
  if (kernel === undefined)
    throw new BuildError('internal', `${kernelPackage} does not say which kernel it stands for`);
  await apt(['download', 'busybox-static', `linux-image-${kernel}`], 'downloading busybox and the kernel');
  return kernel;
}
