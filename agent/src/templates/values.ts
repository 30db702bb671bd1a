import type { TemplateElement } from './element.js';
import { quoted } from './template-error.js';

/** TDL's booleans: `true`, `false`, `yes`, `no` in any case. Absent: `absent`. */
export function readBoolean(element: TemplateElement | undefined, absent: boolean): boolean {
  if (element === undefined) return absent;
  switch (element.trimmed.toLowerCase()) {
    case 'true':
    case 'yes':
      return true;
    case 'false':
    case 'no':
      return false;
    default:
      throw element.error(`<${element.name}> is ${quoted(element.trimmed)}`, 'write yes or no');
  }
}

const urlLimit = 2048;

/** A URL that the factory may fetch from. `file:` is not among them: it would read from the factory's own machine. */
export function readUrl(element: TemplateElement, example: string): string {
  const text = element.requiredText(example);
  if (text.length > urlLimit) {
    throw element.error(
      `<${element.name}> has more than ${urlLimit} characters`,
      `write a URL such as ${example}`,
    );
  }
  if (!URL.canParse(text) || !['http:', 'https:', 'ftp:'].includes(new URL(text).protocol)) {
    throw element.error(`<${element.name}> is no http, https or ftp URL`, `write one such as ${example}`);
  }
  return text;
}

/** Content of a file or command as its `type` attribute says. */
export function readContent(element: TemplateElement): Buffer {
  const type = element.attribute('type') ?? 'raw';
  switch (type) {
    case 'raw':
      return Buffer.from(element.text, 'utf8');
    case 'base64':
      if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(element.text)) {
        throw element.error(
          `<${element.name}> says type="base64", and its content is none`,
          'encode it again without line breaks, e.g. with base64 -w0',
        );
      }
      return Buffer.from(element.text, 'base64');
    case 'url':
      throw element.error(
        `<${element.name}> says type="url", which this version does not fetch`,
        'put the content itself there, or fetch it in a <command>',
      );
    default:
      throw element.error(`<${element.name}> has the unknown type ${quoted(type)}`, 'write raw or base64');
  }
}

const decimalUnits = 'kmgtpezy';

/**
 * Bytes of a TDL disk size: digits and a unit, `B`, `kB`…`YB` (powers of 1000), `KiB`…`YiB` (powers of 1024), in any case;
 * bare `G` and `T`, and no unit at all, are GiB, TiB and GiB.
 */
export function readDiskSize(element: TemplateElement): number {
  const text = element.requiredText('10 GiB');
  const [, digits, unit = ''] = /^(\d+) *([a-z]*)$/i.exec(text) ?? [];
  const factor = unitFactor(unit.toLowerCase());
  if (digits === undefined || factor === undefined) {
    throw element.error(`<size> is ${quoted(text)}`, 'write digits and a unit, such as 10 GiB or 500 MB');
  }
  const bytes = Number(digits) * factor;
  if (bytes === 0 || !Number.isSafeInteger(bytes)) {
    throw element.error(
      `<size> is ${quoted(text)}, which no disk has`,
      'write a size above 0 and below 8 PiB',
    );
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
