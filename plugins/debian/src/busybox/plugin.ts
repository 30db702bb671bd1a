import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BaseImage,
  type BuildContext,
  BuildError,
  type GuestOptions,
  type OsPlugin,
  type Progress,
  type Sandbox,
  type Template,
  type TemplateOs,
} from '@imagefactory/plugin-api';
import { checkUrls } from '../debian/check-urls.js';
import { chooseSources } from '../apt/choose-sources.js';
import { type HostSource, readHostSources } from '../apt/host-sources.js';
import { codenameOf } from '../debian/release.js';
import { makeDisk } from '../disk/disk.js';
import { grubConfiguration } from '../disk/grub.js';
import { checkDiskSize, checkFileSize } from '../disk/size.js';
import { spaceFor } from '../disk/space.js';
import { diagnose } from '../doctor.js';
import { applyCommands } from '../tree/apply.js';
import { writeGuestFiles } from '../tree/guest-files.js';
import { checkExecutable } from '../tree/noexec.js';
import { unpack } from '../tree/unpack.js';
import { busyboxBase } from './base.js';

export interface BusyboxOptions {
  /** Debian's kernel package to take the kernel from; default `linux-image-cloud-amd64`. */
  readonly kernelPackage?: string;
  /** Seconds after which a base in the cache is made anew; default a week. */
  readonly baseMaxAge?: number;
  /** This machine's package sources; default: those of its apt. */
  readonly hostSources?: () => Promise<readonly HostSource[]>;
}

const week = 7 * 24 * 3600;
/** Bytes of the system before the template is applied. */
const bareSystem = 60 * 1024 * 1024;
const usualDiskSize = 64 * 1024 * 1024;

/**
 * The OS plugin for `busybox`: Debian's kernel and static busybox, a few dozen megabytes that boot in seconds. It is meant for
 * tests of everything around a build. Any `<version>` is taken; files and commands of the template are applied.
 */
export function busyboxOs(options: BusyboxOptions = {}): OsPlugin {
  return {
    kind: 'os',
    name: 'busybox',
    summary: 'A tiny system of a kernel and busybox on x86_64, for tests',
    supports: template => busyboxOf(template) !== undefined,
    check: checkTemplate,
    doctor: sandbox =>
      diagnose(['apt-get', 'dpkg-deb', 'depmod', 'modprobe', 'cpio', 'gzip', 'xz', 'tar'], sandbox),
    space: template => spaceFor(template, bareSystem),
    resumable: true,
    buildBase: (template, context) => buildBase(template, context, options),
  };
}

function busyboxOf({ os }: Template): TemplateOs | undefined {
  return os !== undefined && os.name.toLowerCase() === 'busybox' && os.arch === 'x86_64' ? os : undefined;
}

async function buildBase(
  template: Template,
  context: BuildContext,
  options: BusyboxOptions,
): Promise<BaseImage> {
  const os = busyboxOf(template);
  if (os === undefined) {
    throw new BuildError(
      'os_unsupported',
      'the busybox plugin builds the operating system busybox on x86_64 only',
    );
  }
  checkTemplate(template);
  await checkFileSize(context.scratch, template.diskSize);
  await checkExecutable(context.scratch);
  const host = await (options.hostSources ?? readHostSources)();
  const sources = chooseSources(codenameOf('12'), os.install, host);
  const servers = await checkUrls(context, sources, template.repositories, host);
  context.log.info(sources.reason);
  const path = join(context.scratch, 'busybox.raw');
  const sandbox = await context.sandbox.open({ hostname: template.name, servers });
  const { progress } = context;
  try {
    const base = await progress.step('making the busybox system', 0.6, () =>
      busyboxBase(
        {
          // One suite is enough: the kernel of the release, without fetching three lists for two packages.
          sources: sources.build.slice(0, 1),
          kernelPackage: options.kernelPackage ?? 'linux-image-cloud-amd64',
          maxAge: options.baseMaxAge ?? week,
        },
        sandbox,
        context,
      ),
    );
    const tree = await sandbox.makeTree('root');
    await progress.step('unpacking the busybox system', 0.05, () => unpack(sandbox, base, tree));
    const { commandNetwork: network } = context.sandbox;
    await progress.step('applying the template', 0.2, inner =>
      customise(sandbox, tree, template, { network }, inner),
    );
    const size = { asked: template.diskSize, usual: usualDiskSize };
    const work = join(context.scratch, 'disk');
    await mkdir(work);
    await progress.step('making the disk', 0.15, inner =>
      makeDisk(context.run, sandbox, { tree, path, work, size }, inner),
    );
    await rm(work, { recursive: true });
  } finally {
    await sandbox.dispose().catch((error: unknown) => {
      context.log.warn(`a sandbox could not be removed: ${String(error)}`);
    });
  }
  return { path, format: 'raw', os: { name: 'busybox', version: os.version, arch: os.arch } };
}

function checkTemplate(template: Template): void {
  checkDiskSize(template.diskSize);
  if (template.packages.length > 0 || template.repositories.length > 0) {
    throw new BuildError(
      'template_invalid',
      '/template/packages and /template/repositories: a busybox system has no package manager; use <files> and <commands>',
    );
  }
  if (/[\r\n\0]/.test(template.os?.rootPassword ?? '')) {
    throw new BuildError('template_invalid', '/template/os/rootpw must be one line');
  }
}

async function customise(
  sandbox: Sandbox,
  tree: string,
  template: Template,
  commands: Pick<GuestOptions, 'network'>,
  progress: Progress,
): Promise<void> {
  const { os } = template;
  const grub = { path: '/boot/grub/grub.cfg', content: grubConfiguration(os?.kernelParameters) };
  await writeGuestFiles(sandbox, tree, [grub]);
  await applyCommands(sandbox, tree, template.precommands, 'precommand', commands, progress);
  await writeGuestFiles(sandbox, tree, template.files);
  await applyCommands(sandbox, tree, template.commands, 'command', commands, progress);
  const password = os?.rootPassword;
  if (password === undefined || password === '') return;
  await sandbox.guest(tree, '/bin/sh', ['-c', setRootPassword], {
    label: 'setting the root password',
    input: `${password}\n`,
    secrets: [password],
  });
}

/** busybox has no chpasswd, and its login takes a line without the numbers for a wrong one. The password comes on standard input. */
const setRootPassword = `set -eu
hash=$(mkpasswd -m sha512 -P 0)
printf 'root:%s:19000:0:99999:7:::\\n' "$hash" > /etc/shadow`;
