import type { TemplatePackage, TemplateRepository } from '@imagefactory/plugin-api';
import type { TdlFile } from '../model.js';
import type { TemplateNode } from '../node.js';
import { quoted } from '../position.js';
import { checkUrl, readBoolean, readContent, readOptionalText, readText } from './values.js';

/** The entries of a list, and a word about a list that has none. */
export function entriesOf(list: TemplateNode | undefined, name: string): readonly TemplateNode[] {
  if (list?.elements.length === 0) list.problem('empty-list', `<${list.name}> is empty`, 'remove it');
  return list?.children(name) ?? [];
}

const packageForm = /^[A-Za-z0-9][\w.+:~=/@^-]*$/;
/** Groups of yum and dnf, such as `@Office Suite and Productivity`: words of any language with single blanks between them. */
const groupForm =
  /^@\^?[\p{L}\p{N}.][\p{L}\p{M}\p{N}\w.+:~=/@^&(),'!-]*(?: [\p{L}\p{N}&(.][\p{L}\p{M}\p{N}\w.+:~=/@^&(),'!-]*)*$/u;

/** Reads `<packages>`: in the order of the document, repetitions kept. */
export function readPackages(
  list: TemplateNode | undefined,
  repositories: readonly TemplateRepository[],
): readonly TemplatePackage[] {
  const seen = new Set<string>();
  return entriesOf(list, 'package').map(node => {
    const name = node.attribute('name') ?? '';
    // Package names end up as arguments of package tools, where a dash in front would make them options.
    if (name !== '' && !packageForm.test(name) && !groupForm.test(name)) {
      node.problem(
        'package-name',
        `${quoted(name)} is no name of a package`,
        'write letters, digits and . + - _ :',
        node.attributeAt('name'),
      );
    } else if (name !== '' && seen.has(name)) {
      node.problem('repeated-package', `the package ${quoted(name)} is listed already`, 'remove one of them');
    }
    seen.add(name);
    const repository = readOptionalText(node.child('repository'));
    const file = readOptionalText(node.child('file'));
    const args = readOptionalText(node.child('arguments'));
    if (repository !== undefined && !repositories.some(known => known.name === repository)) {
      node
        .child('repository')
        ?.problem(
          'unknown-repository',
          `<repository> is ${quoted(repository)}, which <repositories> does not have`,
          'add it there, unless the system brings it along',
        );
    }
    return {
      name,
      ...(repository === undefined ? {} : { repository }),
      ...(file === undefined ? {} : { file }),
      ...(args === undefined ? {} : { arguments: args }),
    };
  });
}

const localHosts = ['localhost', 'localhost.localdomain', '127.0.0.1', '[::1]'];

/** Reads `<repositories>`; of two with the same name the later one counts, as in Oz. */
export function readRepositories(list: TemplateNode | undefined): readonly TemplateRepository[] {
  const byName = new Map<string, { readonly node: TemplateNode; readonly repository: TemplateRepository }>();
  for (const node of entriesOf(list, 'repository')) {
    const name = node.attribute('name') ?? '';
    const { url, verifiable } = readRepositoryUrl(node.child('url'));
    const verify = node.child('sslverify');
    const verifyTls = readBoolean(verify, false);
    if (verifyTls && !verifiable) {
      verify?.problem(
        'verify-without-tls',
        '<sslverify> is on, and <url> is not https',
        'remove it, or use https',
      );
    }
    reportReplaced(byName.get(name)?.node, name);
    byName.set(name, {
      node,
      repository: {
        name,
        url,
        signed: readBoolean(node.child('signed'), false),
        persisted: readBoolean(node.child('persisted'), true),
        ...(verifyTls ? { verifyTls } : {}),
      },
    });
  }
  return [...byName.values()].map(({ repository }) => repository);
}

/** A URL, or for Debian a line of sources.list(5), which Oz hands on as it is. */
function readRepositoryUrl(node: TemplateNode | undefined): { url: string; verifiable: boolean } {
  const example = 'http://example.com/repo/';
  const text = readText(node, example);
  if (node === undefined || text === '') return { url: text, verifiable: true };
  const line = /^deb[ \t]+(?:\[[^\]\r\n]*\][ \t]*)?(\S+)[ \t]+\S[^\r\n]*$/.exec(text);
  const url = checkUrl(node, '<url>', line?.[1] ?? text, example);
  if (url !== undefined && localHosts.includes(url.hostname)) {
    node.problem(
      'local-repository',
      '<url> names the local host, which is another machine inside the image',
      'write a name or address that the image can reach',
    );
  }
  return { url: text, verifiable: url?.protocol === 'https:' };
}

/** Reads `<files>`; of two with the same path the later one counts, as in Oz. */
export function readFiles(list: TemplateNode | undefined): readonly TdlFile[] {
  const byPath = new Map<string, { readonly node: TemplateNode; readonly file: TdlFile }>();
  for (const node of entriesOf(list, 'file')) {
    const path = node.attribute('name') ?? '';
    if (
      path !== '' &&
      (!path.startsWith('/') || path.endsWith('/') || path.endsWith('/.') || path.split('/').includes('..'))
    ) {
      node.problem(
        'file-name',
        `<file> has the name ${quoted(path)}`,
        'write the absolute path of a file inside the image, without ..',
        node.attributeAt('name'),
      );
    } else if (path !== '') {
      const place = volatilePlace(path);
      if (place !== undefined) {
        node.problem(
          'volatile-file',
          `<file> has the name ${quoted(path)}, and what is in ${place} is made anew at each boot, so no image can hold it`,
          'name a place that lasts; for /run, write a file for systemd-tmpfiles in /etc/tmpfiles.d',
          node.attributeAt('name'),
        );
      }
    }
    reportReplaced(byPath.get(path)?.node, path);
    byPath.set(path, { node, file: { path, content: readContent(node) } });
  }
  return [...byPath.values()].map(({ file }) => file);
}

/** Names of Linux systems that lead there through symbolic links. */
const volatileLinks: readonly (readonly [string, string])[] = [
  ['/var/run', '/run'],
  ['/var/lock', '/run'],
  ['/etc/mtab', '/proc'],
];

/** The file system of the kernel, or of the running system, that a path is in. */
function volatilePlace(path: string): string | undefined {
  const plain = `/${path
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .join('/')}`;
  const isIn = (place: string): boolean => plain === place || plain.startsWith(`${place}/`);
  return ['/run', '/dev', '/proc', '/sys'].find(isIn) ?? volatileLinks.find(([link]) => isIn(link))?.[1];
}

function reportReplaced(earlier: TemplateNode | undefined, name: string): void {
  if (name === '') return;
  earlier?.problem(
    'replaced',
    `this <${earlier.name}> is replaced by a later one named ${quoted(name)}`,
    'remove it, or rename one of them',
  );
}
