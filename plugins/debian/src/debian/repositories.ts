import { BuildError, type TemplateRepository, type TemplateUrl, templateUrl } from '@imagefactory/plugin-api';
import type { GuestFile } from '../tree/guest-files.js';

/** A `<repository>` of a template as a line of sources.list(5). */
export interface ReadRepository {
  readonly url: TemplateUrl;
  readonly line: string;
}

/**
 * Reads one `<repository>`. Its `<url>` is either a whole line as in sources.list(5), which is what Oz hands to add-apt-repository for
 * Debian guests, or the address of an archive laid out like Debian's. One that is not `signed` is trusted as it is.
 *
 * @throws BuildError `template_invalid`
 */
export function readRepository(repository: TemplateRepository, codename: string): ReadRepository {
  const { name, signed } = repository;
  const given = repository.url.trim();
  const element = `/template/repositories/repository "${name}"`;
  const isLine = /^deb\s/.test(given);
  const line = isLine ? given : `deb ${given} ${codename} main`;
  const match =
    /^deb[ \t]+(?:\[([\w=,.:/~+@ \t-]*)\][ \t]*)?([^\s[\]]+)[ \t]+([^\s[\]][^\p{Cc}\p{Zl}\p{Zp}[\]]*)$/u.exec(
      isLine ? line.replaceAll('\t', ' ') : line,
    );
  // A second URL would be taken for a suite.
  if (match === null || match[3]?.includes('://') === true) {
    throw new BuildError(
      'template_invalid',
      `${element}: <url> must be the URL of a Debian archive or a line such as "deb http://host/debian ${codename} main"`,
    );
  }
  const [, options = '', uri = '', rest = ''] = match;
  const url = templateUrl(uri, element);
  const all = [...options.split(/\s+/), ...(signed ? [] : ['trusted=yes'])].filter(option => option !== '');
  const bracket = all.length === 0 ? '' : `[${all.join(' ')}] `;
  return { url, line: `deb ${bracket}${url.text} ${rest}` };
}

/** The file for one `<repository>`, as {@link readRepository} reads it. */
export function repositoryFile(repository: TemplateRepository, codename: string): GuestFile {
  const { line } = readRepository(repository, codename);
  return { path: repositoryPath(repository.name), content: `${line}\n` };
}

/** Where a repository's file is put; the same for one name always, so that a later one of that name replaces it. */
export function repositoryPath(name: string): string {
  return `/etc/apt/sources.list.d/${name.replaceAll(/[^A-Za-z0-9._-]/g, '_')}.list`;
}
