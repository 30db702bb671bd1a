import type { InstalledPackage } from '@imagefactory/plugin-api';

/**
 * The packages of an image as ICICLE, the format of Oz and of the original: one element for each package, with version and architecture
 * in its `extra`.
 */
export function icicleOf(packages: readonly InstalledPackage[], description?: string): string {
  const about = description === undefined ? '' : `<description>${escaped(description)}</description>`;
  const lines = inOrder(packages).map(
    ({ name, version, arch }) =>
      `<package name="${escaped(name)}"><extra>${escaped(`${version} ${arch}`)}</extra></package>`,
  );
  return `<icicle>${about}<packages>${lines.join('')}</packages></icicle>`;
}

/** The document of an image whose packages nobody has listed, as the factory has always given one to each image that it made. */
export const emptyIcicle = '<icicle></icicle>';

/** By name, so that two lists of the same packages are the same. */
export function inOrder(packages: readonly InstalledPackage[]): readonly InstalledPackage[] {
  const key = ({ name, arch, version }: InstalledPackage): string => `${name}\0${arch}\0${version}`;
  return [...packages].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** Characters that XML cannot hold at all become question marks. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '?')
    .replace(/[&<>"]/g, character => entities[character] ?? character);
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
