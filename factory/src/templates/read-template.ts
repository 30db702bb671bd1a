import { decodeText, isInputError } from '@imagefactory/text';
import { buildShape, completeShape, partialShape, type Shape } from './grammar.js';
import { defaultLimits, type TemplateLimits } from './limits.js';
import type { TdlTemplate } from './model.js';
import { TemplateNode } from './node.js';
import { quoted } from './position.js';
import { Problems, TemplateError, type TemplateProblem } from './problems.js';
import { readCommands } from './read/commands.js';
import { readFiles, readPackages, readRepositories } from './read/lists.js';
import { readOs } from './read/os.js';
import { readDiskSize, readOptionalText, readText } from './read/values.js';
import { checkStructure } from './structure.js';
import { tokenOf } from './xml/blanks.js';
import { parseXml, reportTooLarge } from './xml/parse-xml.js';

/**
 * What the template is for: `complete` is all of TDL as Oz wants it; `build` also takes what only the target mock can build, a
 * template without `<os>` or with nothing in it; `partial` adds to an image that is there already, and only packages,
 * repositories, files and commands are read.
 */
export type TemplateForm = 'complete' | 'build' | 'partial';

export interface ReadOptions {
  /** Default `complete`. */
  readonly form?: TemplateForm;
  readonly limits?: Partial<TemplateLimits>;
}

/** What was read. */
export type TemplateReading =
  | { readonly valid: true; readonly template: TdlTemplate; readonly problems: readonly TemplateProblem[] }
  | { readonly valid: false; readonly problems: readonly TemplateProblem[] };

const shapes: Readonly<Record<TemplateForm, Shape>> = {
  complete: completeShape,
  build: buildShape,
  partial: partialShape,
};

/**
 * Reads a TDL document (Template Description Language, as `tdl.rng` of Oz has it) and reports all that is wrong with it, or
 * useless in it. Never throws, whatever the text or bytes.
 */
export function readTemplate(given: string | Uint8Array, options: ReadOptions = {}): TemplateReading {
  const { form = 'complete' } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const problems = new Problems();
  const text = typeof given === 'string' ? given : decode(given, limits, problems);
  const root = text === undefined ? undefined : parseXml(text, limits, problems);
  const template = root === undefined ? undefined : readRoot(new TemplateNode(root, problems), form);
  const { all } = problems;
  return template === undefined || problems.hasErrors
    ? { valid: false, problems: all }
    : { valid: true, template, problems: all };
}

function decode(bytes: Uint8Array, limits: TemplateLimits, problems: Problems): string | undefined {
  if (bytes.length > limits.bytes) {
    reportTooLarge(limits, problems);
    return undefined;
  }
  try {
    return decodeText(bytes, 'the template');
  } catch (error) {
    if (!isInputError(error)) throw error;
    const [what = '', remedy = ''] = error.message.split('; ');
    problems.add('not-utf-8', undefined, '', what, remedy);
    return undefined;
  }
}

/** @throws TemplateError when the bytes are no UTF-8, or more than `limit` */
export function decodeTemplate(bytes: Uint8Array, limit = defaultLimits.bytes): string {
  const problems = new Problems();
  const text = decode(bytes, { ...defaultLimits, bytes: limit }, problems);
  if (text === undefined) throw new TemplateError(problems.all);
  return text;
}

function readRoot(root: TemplateNode, form: TemplateForm): TdlTemplate | undefined {
  if (root.name !== 'template') {
    const message = `the root element is ${quoted(root.name)}`;
    root.problem('root', message, 'a TDL document begins with <template>');
    return undefined;
  }
  if (form === 'build' && root.elements.length === 0) {
    checkStructure(root, { attributes: { version: {} } });
    checkVersion(root);
    return { ...emptyTemplate, text: root.text.trim() };
  }
  checkStructure(root, shapes[form]);
  checkVersion(root);
  if (form === 'partial' && root.elements.length === 0) {
    root.problem(
      'empty-list',
      '<template> adds nothing',
      'give <packages>, <repositories>, <files> or <commands>',
    );
  }
  return { ...(form === 'partial' ? emptyTemplate : readHead(root)), ...readLists(root, form) };
}

const emptyTemplate: TdlTemplate = {
  name: '',
  packages: [],
  repositories: [],
  files: [],
  commands: [],
  precommands: [],
  text: '',
};

function readHead(root: TemplateNode) {
  const os = root.child('os');
  const description = readOptionalText(root.child('description'));
  const disk = root.child('disk');
  return {
    name: readText(root.child('name'), 'my-image'),
    ...(description === undefined ? {} : { description }),
    ...(os === undefined ? {} : { os: readOs(os) }),
    ...(disk === undefined ? {} : { diskSize: readDiskSize(disk.child('size')) }),
  };
}

function readLists(root: TemplateNode, form: TemplateForm) {
  const repositories = readRepositories(root.child('repositories'));
  return {
    packages: readPackages(root.child('packages'), repositories),
    repositories,
    files: readFiles(root.child('files')),
    commands: readCommands(root.child('commands')),
    precommands: form === 'partial' ? [] : readCommands(root.child('precommands')),
    text: '',
  };
}

function checkVersion(root: TemplateNode): void {
  const version = root.rawAttribute('version');
  if (version !== undefined && tokenOf(version) !== '1.0') {
    root.problem(
      'wrong-value',
      `<template> has the version ${quoted(version)}`,
      'this agent reads version="1.0"; leave the attribute out if in doubt',
      root.attributeAt('version'),
    );
  }
}
