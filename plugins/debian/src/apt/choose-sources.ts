import { BuildError, type TemplateInstall, templateUrl } from '@imagefactory/plugin-api';
import type { HostSource } from './host-sources.js';

/** A source for packages of Debian itself, always with the component `main`. */
export interface Source {
  readonly uri: string;
  readonly suite: string;
}

export interface ChosenSources {
  /** Where this build fetches packages. */
  readonly build: readonly Source[];
  /** What the finished image is told to use. */
  readonly image: readonly Source[];
  /** One line for the log: which and why. */
  readonly reason: string;
}

/** Where a template names its mirror. */
export const installElement = '/template/os/install/url';

const publicArchive = 'http://deb.debian.org/debian';
const publicSecurity = 'http://deb.debian.org/debian-security';

/**
 * Decides where packages come from.
 *
 * - A template whose install URL is a mirror of its own (`http://mirror.corp/debian`, or an installer tree below it) is built from
 *   that mirror, and the image goes on using it.
 * - An install URL below `debian.org` means Debian's archive as such. Every mirror of it has the same signed files, so the
 *   machine's own sources for Debian are used where it has any (they are near, and known to be reachable), else the URL. The
 *   image uses the URL.
 * - A placeholder (`example.com`, `.invalid`, `.test`, not http) says nothing: the machine's own sources, else deb.debian.org; the
 *   image uses deb.debian.org.
 *
 * The image never gets an address that only the builder knows, except one that the template named.
 * Security updates come from the machine's own source for them, else from deb.debian.org.
 */
export function chooseSources(
  codename: string,
  install: TemplateInstall,
  host: readonly HostSource[],
): ChosenSources {
  const own = debianSources(host);
  const named = namedMirror(install);
  const suites = (archive: string, security: string): Source[] => [
    { uri: archive, suite: codename },
    { uri: archive, suite: `${codename}-updates` },
    { uri: security, suite: `${codename}-security` },
  ];
  const security = own.security ?? publicSecurity;
  switch (named.kind) {
    case 'mirror':
      return {
        build: suites(named.uri, security),
        image: suites(named.uri, publicSecurity),
        reason: `packages come from the template's mirror ${named.uri}`,
      };
    case 'debian':
      return {
        build: suites(own.archive ?? named.uri, security),
        image: suites(named.uri, publicSecurity),
        reason: own.archive === undefined ? `packages come from ${named.uri}` : ownReason,
      };
    case 'placeholder':
      return {
        build: suites(own.archive ?? publicArchive, security),
        image: suites(publicArchive, publicSecurity),
        reason: own.archive === undefined ? `packages come from ${publicArchive}` : ownReason,
      };
  }
}

const ownReason = "packages come from this machine's own sources for Debian";

type NamedMirror =
  | { readonly kind: 'mirror'; readonly uri: string }
  | { readonly kind: 'debian'; readonly uri: string }
  | { readonly kind: 'placeholder' };

function namedMirror(install: TemplateInstall): NamedMirror {
  if (install.type === 'iso') {
    throw new BuildError(
      'template_invalid',
      '/template/os/install: the type iso is not supported for Debian; use type="url" with the URL of a mirror',
    );
  }
  const url = parseUrl(install.url);
  if (url === undefined || !/^https?:$/.test(url.protocol)) return { kind: 'placeholder' };
  const name = url.hostname;
  if (/(^|\.)example(\.(com|org|net))?$/.test(name) || /\.(invalid|test)$/.test(name))
    return { kind: 'placeholder' };
  if (url.username !== '' || url.password !== '') {
    throw new BuildError(
      'template_invalid',
      `${installElement}: a user or password in the URL is not supported`,
    );
  }
  // People give the installer's tree, as Oz wants it: …/debian/dists/bookworm/main/installer-amd64/.
  const { text } = templateUrl(install.url, installElement);
  const uri = text
    .replace(/[?#].*$/, '')
    .replace(/\/dists\/.*$/, '')
    .replace(/\/+$/, '');
  if (isDebianHost(name)) return { kind: 'debian', uri };
  return { kind: 'mirror', uri };
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** The machine's sources that are Debian's own archive, whatever release they are set up for. */
function debianSources(host: readonly HostSource[]): { archive?: string; security?: string } {
  const found: { archive?: string; security?: string } = {};
  for (const { uri, suite, signedBy } of host) {
    const url = parseUrl(uri);
    if (url === undefined || !/^https?:$/.test(url.protocol)) continue;
    const path = url.pathname.replace(/\/+$/, '');
    const debian =
      isDebianHost(url.hostname) ||
      /\/debian(-security)?$/.test(path) ||
      /debian-archive-keyring/.test(signedBy ?? '');
    if (!debian) continue;
    const kind = /-security$|\/updates$/.test(suite) ? 'security' : 'archive';
    found[kind] ??= uri.replace(/\/+$/, '');
  }
  return found;
}

function isDebianHost(name: string): boolean {
  return name === 'debian.org' || name.endsWith('.debian.org');
}

/** As lines of sources.list(5). */
export function oneLineList(sources: readonly Source[]): string {
  return sources.map(({ uri, suite }) => `deb ${uri} ${suite} main\n`).join('');
}

/** As deb822 stanzas, the form that Debian itself ships from release 13 on and every apt here reads. */
export function deb822List(sources: readonly Source[]): string {
  const byUri = new Map<string, string[]>();
  for (const { uri, suite } of sources) byUri.set(uri, [...(byUri.get(uri) ?? []), suite]);
  return [...byUri]
    .map(([uri, suites]) =>
      [
        'Types: deb',
        `URIs: ${uri}`,
        `Suites: ${suites.join(' ')}`,
        'Components: main',
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
        '',
      ].join('\n'),
    )
    .join('\n');
}
