import { BuildError, type TemplateRepository } from '@imagefactory/plugin-api';
import type { GuestFile } from '../tree/guest-files.js';

/**
 * The file for one `<repository>` of a template. Its URL is either a whole line as in sources.list(5), which is what Oz hands to
 * add-apt-repository for Debian guests, or the address of an archive laid out like Debian's. One that is not `signed` is trusted
 * as it is.
 */
export function repositoryFile(repository: TemplateRepository, codename: string): GuestFile {
  const { name, signed } = repository;
  const url = repository.url.trim();
  const line = /^deb\s/.test(url) ? url : `deb ${url} ${codename} main`;
  const match = /^deb\s+(?:\[([^\]\r\n]*)\]\s*)?((?:https?|file|ftp):\S+\s+\S[^\r\n]*)$/.exec(line);
  if (match === null) {
    throw new BuildError(
      'template_invalid',
      `/template/repositories/repository "${name}": <url> must be the URL of a Debian archive or a line such as "deb http://host/debian ${codename} main"`,
    );
  }
  const [, options = '', rest = ''] = match;
  const all = [...options.split(/\s+/), ...(signed ? [] : ['trusted=yes'])].filter(option => option !== '');
  const bracket = all.length === 0 ? '' : `[${all.join(' ')}] `;
  return { path: repositoryPath(name), content: `deb ${bracket}${rest}\n` };
}

/** Where a repository's file is put; the same for one name always, so that a later one of that name replaces it. */
export function repositoryPath(name: string): string {
  return `/etc/apt/sources.list.d/${name.replaceAll(/[^A-Za-z0-9._-]/g, '_')}.list`;
}
