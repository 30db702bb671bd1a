import type {
  TemplateInstall,
  TemplateOs,
  TemplatePackage,
  TemplateRepository,
} from '@imagefactory/plugin-api';
import { isRemote, type RemoteContent, type TdlTemplate } from './model.js';

/**
 * The TDL text of a template. Reading it again gives the same template, but for what XML can't hold: the text of a template that
 * has elements too. Passwords are in it.
 */
export function printTemplate(template: TdlTemplate): string {
  if (template.name === '' && template.os === undefined && template.text !== '') {
    return `<template>${escapeText(template.text)}</template>\n`;
  }
  const { name, description, os, packages, repositories, files, commands, precommands, diskSize } = template;
  const children = [
    ...(name === '' ? [] : [element('name', {}, escapeText(name))]),
    ...optional('description', description),
    ...(os === undefined ? [] : [printOs(os)]),
    ...list('packages', packages.map(printPackage)),
    ...list('repositories', repositories.map(printRepository)),
    ...list(
      'files',
      files.map(({ path, content }) => printContent('file', path, content)),
    ),
    ...list(
      'precommands',
      precommands.map(command => printContent('command', command.name, command.script)),
    ),
    ...list(
      'commands',
      commands.map(command => printContent('command', command.name, command.script)),
    ),
    ...(diskSize === undefined ? [] : [parent('disk', {}, [element('size', {}, printSize(diskSize))])]),
  ];
  return `${parent('template', { version: '1.0' }, children).join('\n')}\n`;
}

/** Lines of an element; inner ones are indented by their parent. */
type Lines = readonly string[];

function printOs(os: TemplateOs): Lines {
  return parent('os', {}, [
    element('name', {}, escapeText(os.name)),
    element('version', {}, escapeText(os.version)),
    element('arch', {}, escapeText(os.arch)),
    printInstall(os.install),
    ...optional('rootpw', os.rootPassword),
    ...optional('key', os.productKey),
    ...optional('kernelparam', os.kernelParameters),
    ...(os.icicleCommand === undefined
      ? []
      : [parent('icicle', {}, optional('extra_command', os.icicleCommand))]),
  ]);
}

function printInstall(install: TemplateInstall): Lines {
  const { type } = install;
  if (type === 'url') return parent('install', { type }, [element('url', {}, escapeText(install.url))]);
  const { iso, checksum, extras = [] } = install;
  return parent('install', { type }, [
    element('iso', {}, escapeText(iso)),
    ...(checksum === undefined ? [] : optional(`${checksum.algorithm}sum`, checksum.url)),
    ...list(
      'extras',
      extras.map(({ type: kind, source, destination }) => element(kind, { source, destination }, '')),
    ),
  ]);
}

function printPackage({ name, repository, file, arguments: args }: TemplatePackage): Lines {
  return parent('package', { name }, [
    ...optional('repository', repository),
    ...optional('file', file),
    ...optional('arguments', args),
  ]);
}

function printRepository({ name, url, signed, persisted, verifyTls }: TemplateRepository): Lines {
  return parent('repository', { name }, [
    element('url', {}, escapeText(url)),
    ...(signed ? optional('signed', 'yes') : []),
    ...(persisted ? [] : optional('persisted', 'no')),
    ...(verifyTls === true ? optional('sslverify', 'yes') : []),
  ]);
}

function printContent(tag: string, name: string, content: Uint8Array | string | RemoteContent): Lines {
  if (isRemote(content)) return element(tag, { name, type: 'url' }, escapeText(content.url));
  const text = typeof content === 'string' ? content : asText(content);
  if (text !== undefined && !unwritable.test(text)) return element(tag, { name }, escapeText(text));
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : Buffer.from(content);
  return element(tag, { name, type: 'base64' }, bytes.toString('base64'));
}

/** What XML has no way to write, or which a reader would not give back. */
const unwritable = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Cs}/u;

function asText(content: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}

/** In GiB where it is whole, as every reader of TDL knows it; in bytes otherwise. */
function printSize(bytes: number): string {
  return bytes % 1024 ** 3 === 0 ? `${bytes / 1024 ** 3}G` : `${bytes} B`;
}

function element(name: string, attributes: Readonly<Record<string, string>>, text: string): Lines {
  return [
    text === '' ? `<${startOf(name, attributes)}/>` : `<${startOf(name, attributes)}>${text}</${name}>`,
  ];
}

function parent(
  name: string,
  attributes: Readonly<Record<string, string>>,
  children: readonly Lines[],
): Lines {
  if (children.length === 0) return element(name, attributes, '');
  // Only the first line is indented: the others may be the inside of a script.
  const inner = children.flatMap(lines => lines).map(line => `  ${line}`);
  return [`<${startOf(name, attributes)}>`, ...inner, `</${name}>`];
}

function optional(name: string, text: string | undefined): readonly Lines[] {
  return text === undefined ? [] : [element(name, {}, escapeText(text))];
}

function list(name: string, entries: readonly Lines[]): readonly Lines[] {
  return entries.length === 0 ? [] : [parent(name, {}, entries)];
}

function startOf(name: string, attributes: Readonly<Record<string, string>>): string {
  return [
    name,
    ...Object.entries(attributes).map(([key, value]) => `${key}="${escapeAttribute(value)}"`),
  ].join(' ');
}

/** A carriage return would be read as a line feed if it were written as it is. */
function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#13;');
}

function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', '&quot;').replaceAll('\t', '&#9;').replaceAll('\n', '&#10;');
}
