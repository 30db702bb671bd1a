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

/**
 * Decides where packages come from.
 *
 * - A template whose install URL is a mirror (`http://mirror.corp/debian`, or an installer tree below it) is built from that mirror.
 * - A placeholder (`example.com`, `.invalid`, `.test`, not http) names none: this machine's own sources for Debian are used.
 * - Security updates come from this machine's own source for them, where it has one.
 *
 * The image goes on using the same, but for addresses of this machine itself and those with a password in them.
 *
 * @throws BuildError `template_invalid` where neither the template nor this machine names a mirror
 */
export function chooseSources(
  codename: string,
  install: TemplateInstall,
  host: readonly HostSource[],
): ChosenSources {
  const own = debianSources(host);
  const mirror = namedMirror(install);
  const archive = mirror ?? own.archive;
  if (archive === undefined) {
    throw new BuildError(
      'template_invalid',
      '/template/os/install/url names no mirror, and the apt of this machine has no source for Debian; write the URL of a mirror that the factory can reach',
    );
  }
  const build = [
    { uri: archive, suite: codename },
    { uri: archive, suite: `${codename}-updates` },
    ...(own.security === undefined ? [] : [{ uri: own.security, suite: `${codename}-security` }]),
  ];
  const from =
    mirror === undefined ? "this machine's own sources for Debian" : `the template's mirror ${mirror}`;
  const without = own.security === undefined ? '; this machine has no source of security updates' : '';
  return {
    build,
    image: build.filter(({ uri }) => isForOthers(uri)),
    reason: `packages come from ${from}${without}`,
  };
}

/** Undefined for a placeholder. */
function namedMirror(install: TemplateInstall): string | undefined {
  if (install.type === 'iso') {
    throw new BuildError(
      'template_invalid',
      '/template/os/install: the type iso is not supported for Debian; use type="url" with the URL of a mirror',
    );
  }
  const url = parseUrl(install.url);
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
  const name = url.hostname;
  if (/(^|\.)example(\.(com|org|net))?$/.test(name) || /\.(invalid|test)$/.test(name)) return undefined;
  if (url.username !== '' || url.password !== '') {
    throw new BuildError(
      'template_invalid',
      `${installElement}: a user or password in the URL is not supported`,
    );
  }
  // People give the installer's tree, as Oz wants it: …/debian/dists/bookworm/main/installer-amd64/.
  const { text } = templateUrl(install.url, installElement);
  return text
    .replace(/[?#].*$/, '')
    .replace(/\/dists\/.*$/, '')
    .replace(/\/+$/, '');
}

/** Whether another machine can use the address, and may know it. */
function isForOthers(uri: string): boolean {
  const url = parseUrl(uri);
  return (
    url !== undefined &&
    url.username === '' &&
    url.password === '' &&
    !/^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  );
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** The machine's sources that are Debian's own archive, whatever release they are set up for. */
function debianSources(host: readonly HostSource[]): { archive?: string; security?: string } {
  const found: { archive?: string; security?: string } = {};
  for (const { uri, suite, components, signedBy } of host) {
    const url = parseUrl(uri);
    if (url === undefined || !/^https?:$/.test(url.protocol)) continue;
    const path = url.pathname.replace(/\/+$/, '');
    const isSecurity = securitySuite.test(suite);
    const debian =
      components.includes('main') &&
      (isSecurity || /\/debian(-security)?$/.test(path) || /debian-archive-keyring/.test(signedBy ?? ''));
    if (!debian) continue;
    const kind = isSecurity ? 'security' : 'archive';
    found[kind] ??= uri.replace(/\/+$/, '');
  }
  return found;
}

/** Suites of security updates, by which alone Debian's can be told from those of other systems. */
const securitySuite =
  /^(?:oldoldstable|oldstable|stable|testing|buster|bullseye|bookworm|trixie|forky|duke)(?:-security|\/updates)$/;

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
