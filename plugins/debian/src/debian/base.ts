import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildContext, type Progress, type Sandbox, stageInGuest } from '@imagefactory/plugin-api';
import { runApt } from '../apt/apt-errors.js';
import { type ChosenSources, oneLineList } from '../apt/choose-sources.js';
import { quoted } from '../tree/guest-files.js';
import type { Release } from './release.js';
import { buildShadows } from './system-files.js';

/** To be raised whenever what {@link makeBase} does changes, so that older archives in caches are not used any more. */
const baseRevision = '2';

/** Name that mmdebstrap gives to our list of sources in the tree (it puts `0000` before it). */
export const buildSourcesInGuest = '/etc/apt/sources.list.d/0000imagefactory-build.list';

/** Kept out of the base, like in Debian's container images; packages that a template adds come with theirs. */
const documentation = [
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
  'path-exclude=/usr/share/info/*',
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/locale/*',
];

export interface BaseOptions {
  readonly release: Release;
  readonly sources: ChosenSources;
  readonly kernelPackage: string;
  readonly documentation: boolean;
  /** Seconds. */
  readonly maxAge: number;
}

/** Path of the archive with the minimal system: from the cache, or made with mmdebstrap. */
export async function debianBase(
  options: BaseOptions,
  sandbox: Sandbox,
  context: BuildContext,
  progress: Progress,
): Promise<string> {
  const { release, sources } = options;
  const secure = sources.build.some(({ uri }) => uri.startsWith('https:'));
  const packages = [...release.packages, options.kernelPackage, ...(secure ? ['ca-certificates'] : [])];
  const list = oneLineList(sources.build);
  const base = await context.stage(
    'debian-base',
    {
      revision: baseRevision,
      suite: release.codename,
      arch: 'amd64',
      packages,
      sources: list,
      documentation: options.documentation,
    },
    path => makeBase(path, options, packages, sandbox, context, progress),
    { maxAge: options.maxAge },
  );
  return base.path;
}

/**
 * Makes the archive in three steps: mmdebstrap fetches and unpacks packages, and runs nothing of them; their scripts are run in a guest without
 * a network; and the tree is packed. A script of a package is never run by or beside a program of the builder.
 */
async function makeBase(
  path: string,
  { release, sources, documentation: complete }: BaseOptions,
  packages: readonly string[],
  sandbox: Sandbox,
  context: BuildContext,
  progress: Progress,
): Promise<void> {
  const tree = await sandbox.makeTree('base');
  const list = join(context.scratch, 'imagefactory-build.list');
  await writeFile(list, oneLineList(sources.build));
  await chmod(list, 0o644);
  const filters = complete ? [] : documentation.map(line => `--dpkgopt=${line}`);
  const rest = [narrowed(release.codename, '?and(?priority(required),?not(?essential))'), ...packages];
  const settings = [
    '--mode=root',
    '--variant=extract',
    '--architectures=amd64',
    '--format=directory',
    '--skip=cleanup,chroot/mount',
  ];
  await progress.step('fetching the minimal system', 0.2, inner =>
    runApt(
      (file, args, options) =>
        sandbox.tool(file, args, { ...options, network: 'outbound', proxied: true, reads: [list] }),
      'mmdebstrap',
      [
        ...settings,
        `--include=${narrowed(release.codename, '?essential')}`,
        '--include=apt',
        ...filters,
        `--extract-hook=${fetchRest(rest)}`,
        release.codename,
        tree,
        list,
      ],
      {
        label: 'mmdebstrap',
        onLine: line => inner.update(milestones.find(([text]) => line.includes(text))?.[1] ?? 0),
      },
    ),
  );
  await progress.step('configuring the minimal system', 0.7, () =>
    runApt(
      (file, args, options) =>
        sandbox.guest(tree, file, args, {
          ...options,
          // It has no network: what it says about servers is about something else.
          fetches: false,
          env: { DEBIAN_FRONTEND: 'noninteractive' },
          stage: { 'configure.sh': { content: configureScript(rest) } },
          shadows: buildShadows,
        }),
      '/bin/sh',
      [`${stageInGuest}/configure.sh`],
      { label: 'configuring the minimal system' },
    ),
  );
  await progress.step('packing the minimal system', 0.1, async () => {
    const attributes = ['--xattrs', '--xattrs-include=*', '--numeric-owner'];
    await sandbox.tool('tar', ['-C', tree, ...attributes, '--one-file-system', '-cf', '-', '.'], {
      outputFile: path,
    });
    await sandbox.removeTree('base');
    await rm(list);
  });
}

/** An apt pattern (apt-patterns(7)) for packages of the release alone. */
function narrowed(codename: string, pattern: string): string {
  const release = `?or(?archive(^${codename}$),?codename(^${codename}$))`;
  return `?narrow(${release},?architecture(amd64),${pattern})`;
}

/** Names of the archives that mmdebstrap has unpacked, in their order. */
const essentialList = '/var/cache/apt/archives/essential.list';

/** Shell text for mmdebstrap's `--extract-hook`: fetches the other packages beside those that it has unpacked. */
function fetchRest(rest: readonly string[]): string {
  const install = ['apt-get', '--yes', '--download-only', 'install', ...rest].map(quoted).join(' ');
  return `set -eu; echo "$MMDEBSTRAP_ESSENTIAL" >"$1"${essentialList}; export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"; ${install}`;
}

function configureScript(rest: readonly string[]): string {
  const options = ['-o', 'Dpkg::Use-Pty=0', '-o', 'Dpkg::Options::=--force-unsafe-io', '--no-download'];
  const install = ['apt-get', '--yes', ...options, 'install', ...rest].map(quoted).join(' ');
  return `set -eu
rm -f /etc/resolv.conf /etc/hostname
dpkg --install --force-depends --force-unsafe-io $(cat ${essentialList})
${install}
rm -f /etc/apt/apt.conf.d/00mmdebstrap /var/log/dpkg.log /var/log/alternatives.log /var/log/bootstrap.log
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/cache/apt/*.bin ${essentialList} /var/log/apt/* /tmp/*
rm -f /var/cache/ldconfig/aux-cache
if [ -e /etc/machine-id ]; then : >/etc/machine-id; fi
`;
}

/** Parts of mmdebstrap's messages, and how much of its work is done when they come. */
const milestones: readonly (readonly [string, number])[] = [
  ['running apt-get update', 0.1],
  ['downloading packages', 0.3],
  ['extracting archives', 0.6],
];
