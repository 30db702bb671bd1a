import type { TemplateInstall, TemplateIsoExtra, TemplateOs } from '@imagefactory/plugin-api';
import { mirrorExample } from '../grammar.js';
import type { TemplateNode } from '../node.js';
import { quoted } from '../position.js';
import { checkUrl, readOptionalText, readText, readUrl, readWord } from './values.js';

export const architectures = ['i386', 'x86_64', 'ppc64', 'ppc64le', 'aarch64', 'armv7l', 's390x'] as const;

/** Reads `<os>`. */
export function readOs(os: TemplateNode): TemplateOs {
  const rootPassword = readPassword(os.child('rootpw'));
  const productKey = readOptionalText(os.child('key'));
  const kernelParameters = readOptionalText(os.child('kernelparam'));
  const icicleCommand = readOptionalText(os.child('icicle')?.child('extra_command'));
  return {
    name: readText(os.child('name'), 'Debian'),
    version: readText(os.child('version'), '12'),
    arch: readWord(os.child('arch'), architectures) ?? 'x86_64',
    install: readInstall(os.child('install')),
    ...(rootPassword === undefined ? {} : { rootPassword }),
    ...(productKey === undefined ? {} : { productKey }),
    ...(kernelParameters === undefined ? {} : { kernelParameters }),
    ...(icicleCommand === undefined ? {} : { icicleCommand }),
  };
}

const algorithms = ['md5', 'sha1', 'sha256'] as const;
const isoExample = 'http://example.com/image.iso';

function readInstall(install: TemplateNode | undefined): TemplateInstall {
  const nothing: TemplateInstall = { type: 'url', url: '' };
  const given = install?.attribute('type');
  if (install === undefined || given === undefined || given === '') return nothing;
  if (given !== 'url' && given !== 'iso') {
    install.problem(
      'wrong-value',
      `<install> has the type ${quoted(given)}`,
      'write type="url" or type="iso"',
      install.attributeAt('type'),
    );
    return nothing;
  }
  const other = install.child(given === 'url' ? 'iso' : 'url');
  const example = given === 'url' ? mirrorExample : isoExample;
  const own = install.child(given);
  if (other !== undefined) {
    other.problem(
      'unknown-element',
      `<install type="${given}"> has an <${other.name}>`,
      own === undefined ? `write <${given}>${example}</${given}> in its place` : 'remove it',
    );
  } else if (own === undefined) {
    const message = `<install type="${given}"> has no <${given}>`;
    install.problem('missing-element', message, `add <${given}>${example}</${given}> to it`);
  }
  const place = readUrl(own, example);
  const sums = algorithms.flatMap(algorithm => {
    const node = install.child(`${algorithm}sum`);
    return node === undefined ? [] : [{ algorithm, node }];
  });
  const extras = install.child('extras');
  checkOrder(install, extras);
  if (given === 'url') {
    for (const { node } of sums) {
      node.problem('unknown-element', `<${node.name}> is for an ISO, and this is a URL`, 'remove it');
    }
    extras?.problem('extras-for-url', '<extras> are added to an ISO, and this is a URL', 'remove them');
    readExtras(extras);
    return { type: 'url', url: place };
  }
  for (const { node } of sums.slice(1)) {
    const message = `<install> has <${node.name}> beside another checksum`;
    node.problem('second-element', message, 'one is allowed; keep the strongest');
  }
  const [sum] = sums;
  const checksum =
    sum === undefined
      ? undefined
      : { algorithm: sum.algorithm, url: readUrl(sum.node, `${isoExample}.${sum.algorithm}`) };
  const added = readExtras(extras);
  return {
    type: 'iso',
    iso: place,
    ...(checksum === undefined ? {} : { checksum }),
    ...(added.length === 0 ? {} : { extras: added }),
  };
}

function checkOrder(install: TemplateNode, extras: TemplateNode | undefined): void {
  const last = install.elements.at(-1);
  if (extras === undefined || last === undefined || last.name === 'extras') return;
  extras.problem('wrong-order', `<extras> stands before <${last.name}>`, `move it behind <${last.name}>`);
}

function readExtras(extras: TemplateNode | undefined): readonly TemplateIsoExtra[] {
  if (extras?.elements.length === 0) {
    extras.problem(
      'missing-element',
      '<extras> is empty',
      'put a <file> or <directory> into it, or remove it',
    );
  }
  return (extras?.elements ?? []).flatMap(extra => {
    if (extra.name !== 'file' && extra.name !== 'directory') return [];
    const source = extra.attribute('source') ?? '';
    const destination = extra.attribute('destination') ?? '';
    if (source !== '') checkUrl(extra, `source of <${extra.name}>`, source, 'http://example.com/extra');
    if (destination.split('/').includes('..')) {
      const message = `<${extra.name}> has the destination ${quoted(destination)}`;
      extra.problem(
        'extra-name',
        message,
        'write a path inside the ISO, without ..',
        extra.attributeAt('destination'),
      );
    }
    return [{ type: extra.name, source, destination }];
  });
}

/** Characters; a password is searched for in every line of output, and crypt(3) doesn't take longer ones anyway. */
const passwordLimit = 512;

/** The password as it is, blanks included: trimming would set another one than the author reads. */
function readPassword(node: TemplateNode | undefined): string | undefined {
  if (node === undefined) return undefined;
  const { text } = node;
  if (text.trim() === '') {
    node.problem(
      'empty-value',
      '<rootpw> is empty',
      'write a password, or leave the element out for a locked account',
    );
  } else if (text.length > passwordLimit) {
    node.problem(
      'password',
      `<rootpw> has more than ${passwordLimit} characters`,
      'choose a shorter password',
    );
  } else if (/[\r\n]/.test(text)) {
    node.problem('password', '<rootpw> has a line break', 'write the password on the line of its tags');
  } else if (text !== text.trim()) {
    node.problem(
      'blank-password',
      '<rootpw> begins or ends with a blank, which is part of the password',
      'remove the blank if it is none',
    );
  }
  return text;
}
