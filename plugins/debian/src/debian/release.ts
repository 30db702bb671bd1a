import { BuildError, type Template, type TemplateOs } from '@imagefactory/plugin-api';
import { growRootPackages } from './grow-root.js';

/** A Debian release that this plugin can build. */
export interface Release {
  readonly version: string;
  readonly codename: string;
  /** Packages beside the minimal system that every image of the release gets. */
  readonly packages: readonly string[];
}

const common = ['systemd-sysv', 'udev', 'dbus', 'iproute2', ...growRootPackages];

const releases: readonly Release[] = [
  { version: '11', codename: 'bullseye', packages: common },
  { version: '12', codename: 'bookworm', packages: [...common, 'systemd-resolved'] },
  { version: '13', codename: 'trixie', packages: [...common, 'systemd-resolved'] },
];

const supportedArch = 'x86_64';

/**
 * The release that a template's `<os>` asks for, or undefined if it asks for something else. `<version>` may be the number
 * (`12`), a point release (`12.5`; it gives the newest 12) or the code name.
 */
export function releaseOf(template: Template): Release | undefined {
  const { os } = template;
  if (os === undefined || os.name.toLowerCase() !== 'debian' || os.arch !== supportedArch) return undefined;
  const version = os.version.toLowerCase();
  return releases.find(
    release =>
      version === release.version ||
      version.startsWith(`${release.version}.`) ||
      version === release.codename,
  );
}

/** As {@link releaseOf}, with an error that says what there is to choose from. */
export function requireRelease(template: Template): { readonly release: Release; readonly os: TemplateOs } {
  const release = releaseOf(template);
  const { os } = template;
  if (release === undefined || os === undefined) {
    const asked = os === undefined ? 'no operating system' : `${os.name} ${os.version} on ${os.arch}`;
    const versions = releases.map(({ version, codename }) => `${version} (${codename})`).join(', ');
    throw new BuildError(
      'os_unsupported',
      `the template asks for ${asked}; the debian plugin builds Debian ${versions} on ${supportedArch}`,
    );
  }
  return { release, os };
}

/** The code name of a version that is known to exist; for other systems made of Debian's packages. */
export function codenameOf(version: '11' | '12' | '13'): string {
  return releases.find(release => release.version === version)?.codename ?? version;
}
