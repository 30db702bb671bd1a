import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One package source of this machine: a URI with one suite. */
export interface HostSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  readonly signedBy?: string;
}

/** The binary package sources that apt on this machine uses; empty where there is no apt. Unreadable files are left out. */
export async function readHostSources(directory = '/etc/apt'): Promise<HostSource[]> {
  const parts = join(directory, 'sources.list.d');
  const names = (await readdir(parts).catch(() => [])).sort();
  const files = [join(directory, 'sources.list'), ...names.map(name => join(parts, name))];
  const found: HostSource[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (file.endsWith('.list')) found.push(...parseOneLine(text));
    else if (file.endsWith('.sources')) found.push(...parseDeb822(text));
  }
  return found;
}

/** Sources in the one-line form of sources.list(5). */
export function parseOneLine(text: string): HostSource[] {
  return text.split('\n').flatMap(line => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (match === null) return [];
    const [, options = '', uri = '', suite = '', rest = ''] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1];
    return [{ uri, suite, components: words(rest), ...(signedBy === undefined ? {} : { signedBy }) }];
  });
}

/** Sources in the deb822 form of sources.list(5). */
export function parseDeb822(text: string): HostSource[] {
  const withoutComments = text.replaceAll(/^#.*\n?/gm, '');
  return withoutComments.split(/\n\s*\n/).flatMap(stanza => {
    const fields = new Map<string, string>();
    for (const [, name = '', value = ''] of stanza.matchAll(/^([\w-]+):((?:.*\n?)(?:[ \t].*\n?)*)/gm)) {
      fields.set(name.toLowerCase(), value.trim());
    }
    const list = (name: string) => words(fields.get(name) ?? '');
    if (!list('types').includes('deb') || /^(no|false|0|off)$/i.test(fields.get('enabled') ?? 'yes'))
      return [];
    const signedBy = fields.get('signed-by');
    return list('uris').flatMap(uri =>
      list('suites').map(suite => ({
        uri,
        suite,
        components: list('components'),
        ...(signedBy === undefined ? {} : { signedBy }),
      })),
    );
  });
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(word => word !== '');
}
