import type { TemplateFile, TemplatePackage, TemplateRepository } from '@imagefactory/plugin-api';
import type { Shape, TemplateElement } from './element.js';
import { quoted } from './template-error.js';
import { readBoolean, readContent, readUrl } from './values.js';

const perPackage = 'only names can be given for packages as yet';
const packageShape: Shape = {
  attributes: ['name'],
  children: {},
  unsupported: { repository: perPackage, file: perPackage, arguments: perPackage },
  text: false,
};

/** Reads `<packages>`: in the order of the document, repetitions kept. */
export function readPackages(list: TemplateElement | undefined): readonly TemplatePackage[] {
  return (list?.children('package', packageShape) ?? []).map(element => {
    const name = element.requiredAttribute('name', 'openssh-server');
    // Package names end up as arguments of package tools, where a dash in front would make them options.
    if (!/^[A-Za-z0-9][\w.+:~=/@-]*$/.test(name)) {
      throw element.error(`${quoted(name)} is no name of a package`, 'write letters, digits and . + - _ :');
    }
    return { name };
  });
}

const repositoryShape: Shape = {
  attributes: ['name'],
  children: { url: 'once', signed: 'once', persisted: 'once', sslverify: 'once' },
};

const localHosts = ['localhost', 'localhost.localdomain', '127.0.0.1'];

/** Reads `<repositories>`; of two with the same name the later one counts, as in Oz. */
export function readRepositories(list: TemplateElement | undefined): readonly TemplateRepository[] {
  const byName = new Map<string, TemplateRepository>();
  for (const element of list?.children('repository', repositoryShape) ?? []) {
    const name = element.requiredAttribute('name', 'extras');
    const example = 'http://example.com/repo/';
    const urlElement = element.requiredChild('url', `<url>${example}</url>`);
    const url = readUrl(urlElement, example);
    if (localHosts.includes(new URL(url).hostname)) {
      throw urlElement.error(
        '<url> names the local host, which is another machine inside the image',
        'write a name or address that the image can reach',
      );
    }
    const verify = element.child('sslverify');
    if (verify !== undefined && readBoolean(verify, false)) {
      throw verify.error('<sslverify> cannot be switched on as yet', 'remove it');
    }
    byName.set(name, {
      name,
      url,
      signed: readBoolean(element.child('signed'), false),
      persisted: readBoolean(element.child('persisted'), true),
    });
  }
  return [...byName.values()];
}

const fileShape: Shape = { attributes: ['name', 'type'] };

/** Reads `<files>`; of two with the same path the later one counts, as in Oz. */
export function readFiles(list: TemplateElement | undefined): readonly TemplateFile[] {
  const byPath = new Map<string, TemplateFile>();
  for (const element of list?.children('file', fileShape) ?? []) {
    const path = element.requiredAttribute('name', '/etc/motd');
    if (!path.startsWith('/') || path.endsWith('/') || path.split('/').includes('..')) {
      throw element.error(
        `<file> has the name ${quoted(path)}`,
        'write the absolute path of a file inside the image, without ..',
      );
    }
    byPath.set(path, { path, content: readContent(element) });
  }
  return [...byPath.values()];
}
