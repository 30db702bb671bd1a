import { isLoginCut, nearest } from '@imagefactory/text';
import type { TemplateNode } from '../node.js';
import { quoted } from '../position.js';
import type { RemoteContent } from '../model.js';
import { tokenOf } from '../xml/blanks.js';

/*
 * Readers of single values. Each reports what is wrong and then gives a value of no meaning: a document with errors is dropped.
 */

/** The text of an element that must have some. Whether the element itself must be there is the structure's matter. */
export function readText(node: TemplateNode | undefined, example: string): string {
  if (node === undefined) return '';
  if (node.trimmed.trim() === '') {
    node.problem('empty-value', `<${node.name}> is empty`, `write <${node.name}>${example}</${node.name}>`);
  }
  return node.trimmed;
}

/** The text of an element that may be left out, and is of no use when empty. */
export function readOptionalText(node: TemplateNode | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (node.trimmed !== '') return node.trimmed;
  node.problem('empty-text', `<${node.name}> is empty`, 'write something into it, or remove it');
  return undefined;
}

/** One of a few words. */
export function readWord<const T extends string>(
  node: TemplateNode | undefined,
  words: readonly T[],
): T | undefined {
  const word = tokenOf(node?.text ?? '');
  const found = words.find(known => known === word);
  if (found !== undefined || node === undefined) return found;
  if (word === '') {
    node.problem('wrong-value', `<${node.name}> is empty`, `write one of ${words.join(', ')}`);
  } else {
    const near = nearest(word, words);
    const remedy = `write one of ${words.join(', ')}`;
    node.problem(
      'wrong-value',
      `<${node.name}> is ${quoted(word)}`,
      near === undefined ? remedy : `did you mean ${near}? ${remedy.replace('w', 'W')}`,
    );
  }
  return undefined;
}

/** TDL's booleans: `true`, `false`, `yes`, `no` in any case. Absent: `absent`. */
export function readBoolean(node: TemplateNode | undefined, absent: boolean): boolean {
  if (node === undefined) return absent;
  const word = node.trimmed.toLowerCase();
  if (!['true', 'yes', 'false', 'no'].includes(word)) {
    node.problem('wrong-value', `<${node.name}> is ${quoted(node.trimmed)}`, 'write yes or no');
  } else if (node.text !== node.trimmed) {
    node.problem(
      'padded',
      `<${node.name}> has blanks around its value, which Oz refuses`,
      'remove the blanks',
    );
  }
  return word === 'true' || word === 'yes';
}

const urlLimit = 2048;

/** A URL that may be fetched. `file:` is not among them: it would read from the factory's own machine. */
export function readUrl(node: TemplateNode | undefined, example: string): string {
  if (node === undefined) return '';
  const text = readText(node, example);
  if (text !== '') checkUrl(node, `<${node.name}>`, text, example);
  return text;
}

/** @param what is a URL, for the error text */
export function checkUrl(node: TemplateNode, what: string, text: string, example: string): URL | undefined {
  if (text.length > urlLimit) {
    node.problem('url', `${what} has more than ${urlLimit} characters`, `write a URL such as ${example}`);
    return undefined;
  }
  if (isLoginCut(text)) {
    node.problem(
      'url',
      `${what} has an @ behind a path, where it may end a password`,
      'write / ? and # of a password as %2F %3F %23, and an @ of a path or query as %40',
    );
    return undefined;
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && ['http:', 'https:', 'ftp:'].includes(url.protocol)) return url;
  if (url?.protocol === 'file:' || text.startsWith('/')) {
    node.problem(
      'file-url',
      `${what} names a file, which would be read from the factory's own machine`,
      `put it on a server and write a URL such as ${example}`,
    );
  } else {
    node.problem('url', `${what} is no http, https or ftp URL`, `write one such as ${example}`);
  }
  return undefined;
}

const contentTypes = ['raw', 'base64', 'url'] as const;

/** Content of a file or command as its `type` attribute says. */
export function readContent(node: TemplateNode): Buffer | RemoteContent {
  const given = node.attribute('type') ?? 'raw';
  const type = contentTypes.find(known => known === given);
  switch (type) {
    case 'raw':
      return Buffer.from(node.text, 'utf8');
    case 'base64':
      return readBase64(node);
    case 'url': {
      const example = 'http://example.com/file';
      return { url: readUrl(node, example) };
    }
    case undefined: {
      const near = nearest(given, contentTypes);
      const hint = near === undefined ? '' : `did you mean ${near}? `;
      node.problem(
        'wrong-value',
        `<${node.name}> has the unknown type ${quoted(given)}`,
        `${hint}${hint === '' ? 'write' : 'Write'} raw, base64 or url`,
        node.attributeAt('type'),
      );
      return Buffer.alloc(0);
    }
  }
}

function readBase64(node: TemplateNode): Buffer {
  // Blanks alone are nothing, as in Oz's schema; between letters they are an error there too.
  const text = node.trimmed === '' ? '' : node.text;
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
    node.problem(
      'base64',
      `<${node.name}> says type="base64", and its content is none`,
      'encode it again without line breaks, e.g. with base64 -w0',
    );
    return Buffer.alloc(0);
  }
  return Buffer.from(text, 'base64');
}

const decimalUnits = 'kmgtpezy';

/**
 * Bytes of a TDL disk size: digits and a unit, `B`, `kB`…`YB` (powers of 1000), `KiB`…`YiB` (powers of 1024), in any case;
 * bare `G` and `T`, and no unit at all, are GiB, TiB and GiB.
 */
export function readDiskSize(node: TemplateNode | undefined): number {
  const text = readText(node, '10G');
  if (node === undefined || text === '') return 0;
  const [, digits, unit = ''] = /^(\d+) *([a-z]*)$/i.exec(text) ?? [];
  const factor = unitFactor(unit.toLowerCase());
  if (digits === undefined || factor === undefined) {
    node.problem(
      'disk-size',
      `<size> is ${quoted(text)}`,
      'write digits and a unit, such as 10 GiB or 500 MB',
    );
    return 0;
  }
  const bytes = Number(digits) * factor;
  if (bytes === 0 || !Number.isSafeInteger(bytes)) {
    const message = `<size> is ${quoted(text)}, which no disk has`;
    node.problem('disk-size', message, 'write a size above 0 and below 8 PiB');
  } else if (!['', 'G', 'T'].includes(unit)) {
    const message = `<size> has the unit ${unit}, which older versions of Oz don't know`;
    node.problem('size-unit', message, 'write G or T where others are to read the template');
  } else if (node.text !== text) {
    node.problem('padded', '<size> has blanks around its value, which Oz refuses', 'remove the blanks');
  }
  return bytes;
}

function unitFactor(unit: string): number | undefined {
  if (unit === '' || unit === 'g') return 1024 ** 3;
  if (unit === 't') return 1024 ** 4;
  if (unit === 'b') return 1;
  const power = decimalUnits.indexOf(unit.charAt(0)) + 1;
  if (power === 0) return undefined;
  if (unit.slice(1) === 'b') return 1000 ** power;
  return unit.slice(1) === 'ib' ? 1024 ** power : undefined;
}
