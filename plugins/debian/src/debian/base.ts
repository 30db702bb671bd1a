import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildContext, Progress } from '@imagefactory/plugin-api';
import { proxyEnvironment, runApt } from '../apt/apt-errors.js';
import { type ChosenSources, oneLineList } from '../apt/choose-sources.js';
import type { Sandbox } from '../tree/sandbox.js';
import type { Release } from './release.js';

/** To be raised whenever what {@link makeBase} does changes, so that older archives in caches are not used any more. */
const baseRevision = '1';

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
    async path => {
      const file = join(sandbox.work, 'imagefactory-build.list');
      await writeFile(file, list);
      const filters = options.documentation ? [] : documentation.map(line => `--dpkgopt=${line}`);
      const about = [
        '--variant=minbase',
        '--architectures=amd64',
        `--include=${packages.join(',')}`,
        ...filters,
      ];
      await runApt(
        sandbox.mounting.bind(sandbox),
        'mmdebstrap',
        ['--mode=root', '--format=tar', ...about, release.codename, path, file],
        {
          label: 'mmdebstrap',
          env: proxyEnvironment(process.env),
          onLine: line => progress.update(milestones.find(([text]) => line.includes(text))?.[1] ?? 0),
        },
      );
    },
    { maxAge: options.maxAge },
  );
  return base.path;
}

/** Parts of mmdebstrap's messages, and how much of its work is done when they come. */
const milestones: readonly (readonly [string, number])[] = [
  ['running apt-get update', 0.02],
  ['downloading packages', 0.1],
  ['extracting archives', 0.15],
  ['installing essential packages', 0.2],
  ['installing remaining packages', 0.4],
  ['cleaning package lists', 0.94],
  ['creating tarball', 0.95],
];
