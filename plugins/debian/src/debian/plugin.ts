import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BaseImage, BuildContext, InstalledPackage, OsPlugin, Template } from '@imagefactory/plugin-api';
import { checkUrls } from './check-urls.js';
import { chooseSources } from '../apt/choose-sources.js';
import { type HostSource, readHostSources } from '../apt/host-sources.js';
import { makeDisk } from '../disk/disk.js';
import { checkFileSize } from '../disk/size.js';
import { spaceFor } from '../disk/space.js';
import { diagnose } from '../doctor.js';
import { checkExecutable } from '../tree/noexec.js';
import { unpack } from '../tree/unpack.js';
import { debianBase } from './base.js';
import { checkTemplate, customise } from './customise.js';
import { installedPackages } from './installed-packages.js';
import { releaseOf, requireRelease } from './release.js';

export interface DebianOptions {
  /**
   * Kernel package of all images. The default `linux-image-cloud-amd64` has the drivers of KVM, Hyper-V, Xen, VMware (paravirtual)
   * and the large clouds; for AHCI, LSI Logic or e1000 take `linux-image-amd64`.
   */
  readonly kernelPackage?: string;
  /** Whether the base has documentation, manual pages and translations; default false. */
  readonly documentation?: boolean;
  /** Seconds after which a base in the cache is made anew; default a week. */
  readonly baseMaxAge?: number;
  /** Whether packages of a template come with those that they recommend, as apt has it by default; default true. */
  readonly recommends?: boolean;
  /** Bytes of a disk whose template has no `<disk>`; default 10 GiB, as with Oz. The image file is sparse. */
  readonly diskSize?: number;
  /** This machine's package sources; default: those of its apt. */
  readonly hostSources?: () => Promise<readonly HostSource[]>;
}

const week = 7 * 24 * 3600;
const gibibyte = 1024 ** 3;
/** Bytes of an installed minimal system. */
const minimalSystem = 600 * 1024 ** 2;

/** The OS plugin for Debian: mmdebstrap, a sandbox for the template, and a disk put together without mounts. */
export function debianOs(options: DebianOptions = {}): OsPlugin {
  return {
    kind: 'os',
    name: 'debian',
    summary: 'Debian 11, 12 and 13 on x86_64',
    supports: template => releaseOf(template) !== undefined,
    check: template => checkTemplate(template, requireRelease(template).release),
    doctor: sandbox => diagnose(['mmdebstrap', 'tar'], sandbox),
    space: template => spaceFor(template, minimalSystem),
    resumable: true,
    buildBase: (template, context) => buildBase(template, context, options),
  };
}

async function buildBase(
  template: Template,
  context: BuildContext,
  options: DebianOptions,
): Promise<BaseImage> {
  const { release, os } = requireRelease(template);
  checkTemplate(template, release);
  await checkFileSize(context.scratch, template.diskSize);
  await checkExecutable(context.scratch);
  const host = await (options.hostSources ?? readHostSources)();
  const sources = chooseSources(release.codename, os.install, host);
  const servers = await checkUrls(context, sources, template.repositories, host);
  context.log.info(sources.reason);
  const path = join(context.scratch, 'debian.raw');
  const sandbox = await context.sandbox.open({
    hostname: template.name,
    servers,
    ...(template.diskSize === undefined ? {} : { limits: { bytes: template.diskSize + 2 * gibibyte } }),
  });
  const { progress } = context;
  let packages: readonly InstalledPackage[] | undefined;
  try {
    const base = await progress.step('installing the minimal system', 0.6, inner =>
      debianBase(
        {
          release,
          sources,
          kernelPackage: options.kernelPackage ?? 'linux-image-cloud-amd64',
          documentation: options.documentation ?? false,
          maxAge: options.baseMaxAge ?? week,
        },
        sandbox,
        context,
        inner,
      ),
    );
    const tree = await sandbox.makeTree('root');
    await progress.step('unpacking the minimal system', 0.08, () => unpack(sandbox, base, tree));
    const { commandNetwork: network } = context.sandbox;
    await progress.step('applying the template', 0.19, inner =>
      customise(
        sandbox,
        { tree, template, release, sources, network, recommends: options.recommends ?? true },
        inner,
      ),
    );
    packages = await progress.step('listing the packages', 0.01, () =>
      installedPackages(sandbox, tree, context.log),
    );
    const size = { asked: template.diskSize, usual: options.diskSize ?? 10 * gibibyte };
    const work = join(context.scratch, 'disk');
    await mkdir(work);
    await progress.step('making the disk', 0.12, inner =>
      makeDisk(context.run, sandbox, { tree, path, work, size }, inner),
    );
    await rm(work, { recursive: true });
  } finally {
    await sandbox.dispose().catch((error: unknown) => {
      context.log.warn(`a sandbox could not be removed: ${String(error)}`);
    });
  }
  return {
    path,
    format: 'raw',
    os: { name: 'Debian', version: release.version, arch: os.arch },
    ...(packages === undefined ? {} : { packages }),
  };
}
