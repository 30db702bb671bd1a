import {
  BuildError,
  type GuestOptions,
  type Progress,
  type RunResult,
  type Sandbox,
  type SandboxNetwork,
  type Template,
} from '@imagefactory/plugin-api';
import { runApt } from '../apt/apt-errors.js';
import type { ChosenSources } from '../apt/choose-sources.js';
import { checkDiskSize } from '../disk/size.js';
import { applyCommands } from '../tree/apply.js';
import { writeGuestFiles } from '../tree/guest-files.js';
import { buildSourcesInGuest } from './base.js';
import type { Release } from './release.js';
import { repositoryFile, repositoryPath } from './repositories.js';
import { buildShadows, finishFiles, finishScript, prepareScript, systemFiles } from './system-files.js';

export interface CustomiseOptions {
  readonly tree: string;
  readonly template: Template;
  readonly release: Release;
  readonly sources: ChosenSources;
  /** Whether packages come with those that they recommend, as apt has it. */
  readonly recommends: boolean;
  /** The network of the template's commands. */
  readonly network: SandboxNetwork;
}

/**
 * Turns the minimal system into what the template describes, in the order that Oz has for it: repositories, precommands,
 * packages, files, commands, root password, removal of repositories that are not to stay.
 */
export async function customise(
  sandbox: Sandbox,
  options: CustomiseOptions,
  progress: Progress,
): Promise<void> {
  const { template, tree, release, network } = options;
  const commands = { network, env: debconf, shadows: buildShadows };
  await progress.step('preparing the minimal system', 0.1, () =>
    writeGuestFiles(sandbox, tree, systemFiles(template.os?.kernelParameters), {
      label: 'preparing the minimal system',
      script: prepareScript,
      stage: {},
    }),
  );
  await progress.step('adding repositories', 0.02, async () => {
    const files = template.repositories.map(repository => repositoryFile(repository, release.codename));
    await writeGuestFiles(sandbox, tree, files);
  });
  if (template.precommands.length > 0) {
    await progress.step('running the precommands', 0.1, async inner => {
      // A precommand may fetch the key that makes a repository acceptable, so a failure here is not yet one of the build.
      await updateLists(sandbox, tree, [0, 100]);
      await applyCommands(sandbox, tree, template.precommands, 'precommand', commands, inner);
    });
  }
  if (template.packages.length > 0) {
    await progress.step('installing packages', 0.5, () => installPackages(sandbox, options));
  }
  await progress.step('writing files', 0.02, () => writeGuestFiles(sandbox, tree, template.files));
  await progress.step('running the commands', 0.2, inner =>
    applyCommands(sandbox, tree, template.commands, 'command', commands, inner),
  );
  await progress.step('setting the root password', 0.02, () => setRootPassword(sandbox, tree, template));
  await progress.step('cleaning up the image', 0.04, async () => {
    const gone = template.repositories.filter(({ persisted }) => !persisted);
    const script = finishScript({
      remove: [buildSourcesInGuest, ...gone.map(({ name }) => repositoryPath(name))],
      keep: template.files.map(({ path }) => path),
    });
    await writeGuestFiles(sandbox, tree, [], {
      label: 'cleaning up the image',
      script,
      stage: finishFiles(options.sources),
    });
  });
}

/** Refuses what can't be built, before any work is done. */
export function checkTemplate(template: Template, release: Release): void {
  checkDiskSize(template.diskSize);
  for (const repository of template.repositories) repositoryFile(repository, release.codename);
  for (const { name } of template.packages) {
    // apt also takes options, patterns and, with a minus at the end, orders to remove; none of that is a package's name.
    if (!/^[a-z0-9][a-z0-9+.-]*[a-z0-9+.](:[a-z0-9]+)?([=/][\w.+:~-]+)?$/i.test(name)) {
      const message = `/template/packages: ${JSON.stringify(name)} is not the name of a Debian package`;
      throw new BuildError('template_invalid', message);
    }
  }
  if (/[\r\n\0]/.test(template.os?.rootPassword ?? '')) {
    throw new BuildError('template_invalid', '/template/os/rootpw must be one line');
  }
}

/** For scripts of packages, and for commands that install some. */
const debconf = { DEBIAN_FRONTEND: 'noninteractive' };

/** Runs a tool of the guest's apt, which has a network. */
function apt(
  sandbox: Sandbox,
  tree: string,
  args: readonly string[],
  options: Pick<GuestOptions, 'okStatus'> & { readonly label: string },
): Promise<RunResult> {
  return runApt(
    (file, words, given) =>
      sandbox.guest(tree, file, words, {
        ...given,
        network: 'outbound',
        proxied: true,
        shadows: buildShadows,
      }),
    'apt-get',
    args,
    { ...options, env: debconf },
  );
}

async function updateLists(sandbox: Sandbox, tree: string, okStatus: readonly number[]): Promise<void> {
  const settings = ['-o', 'APT::Update::Error-Mode=any', '-o', 'Acquire::Languages=none'];
  await apt(sandbox, tree, [...settings, 'update'], { label: 'fetching the package lists', okStatus });
}

async function installPackages(
  sandbox: Sandbox,
  { tree, template, recommends }: CustomiseOptions,
): Promise<void> {
  await updateLists(sandbox, tree, [0]);
  const names = template.packages.map(({ name }) => name);
  // Else what the image's own apt is configured to do, which by default is to take them.
  const recommended = recommends ? [] : ['--no-install-recommends'];
  const dpkg = ['-o', 'Dpkg::Options::=--force-confold', '-o', 'Dpkg::Options::=--force-unsafe-io'];
  await apt(
    sandbox,
    tree,
    ['-y', '-o', 'Dpkg::Use-Pty=0', ...dpkg, ...recommended, 'install', '--', ...names],
    { label: 'installing packages' },
  );
}

async function setRootPassword(sandbox: Sandbox, tree: string, template: Template): Promise<void> {
  const password = template.os?.rootPassword;
  if (password === undefined || password === '') return;
  await sandbox.guest(tree, 'chpasswd', [], {
    label: 'setting the root password',
    input: `root:${password}\n`,
    secrets: [password],
  });
}
