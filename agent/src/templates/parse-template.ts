import type { Template } from '@imagefactory/plugin-api';
import { readCommands } from './commands.js';
import { readFiles, readPackages, readRepositories } from './content.js';
import { type Shape, TemplateElement } from './element.js';
import { osShape, readOs } from './os.js';
import { quoted, templateError } from './template-error.js';
import { readDiskSize } from './values.js';
import { parseXml } from './xml.js';

export interface TemplateOptions {
  /** Bytes of UTF-8 that a template may have; default 2 MiB. */
  readonly limit?: number;
}

const templateShape: Shape = {
  attributes: ['version'],
  children: {
    name: 'once',
    os: 'once',
    description: 'once',
    packages: 'once',
    repositories: 'once',
    files: 'once',
    commands: 'once',
    precommands: 'once',
    disk: 'once',
  },
  text: true,
};

const commandsShape: Shape = { children: { command: 'many' } };

/**
 * Reads a TDL document (Template Description Language, as `tdl.rng` of Oz has it) into the model that plugins get.
 *
 * `<template></template>` and a template of mere text are taken as they are; only the target `mock` builds those. Elements of
 * TDL that no plugin can serve as yet are refused rather than left out.
 *
 * @throws BuildError `template_invalid`, whose message tells line, column, what is wrong and what would be right
 */
export function parseTemplate(text: string, options: TemplateOptions = {}): Template {
  const element = parseXml(text, options.limit);
  if (element.tagName !== 'template') {
    throw templateError(
      { line: element.lineNumber ?? 1, column: element.columnNumber ?? 1 },
      `the root element is ${quoted(element.tagName)}`,
      'a TDL document begins with <template>',
    );
  }
  const root = new TemplateElement(element, templateShape);
  checkVersion(root);
  if (element.getElementsByTagName('*').length === 0) return minimalTemplate(root.trimmed);
  if (root.trimmed !== '') {
    throw root.error(
      '<template> has text between its elements',
      'remove the text, or put it into an element',
    );
  }
  const name = root.requiredChild('name', '<name>my-image</name>').requiredText('my-image');
  const os = root.child('os', osShape);
  const description = root.child('description')?.trimmed;
  const disk = root.child('disk', { children: { size: 'once' } });
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(os === undefined ? {} : { os: readOs(os) }),
    packages: readPackages(root.child('packages', { children: { package: 'many' } })),
    repositories: readRepositories(root.child('repositories', { children: { repository: 'many' } })),
    files: readFiles(root.child('files', { children: { file: 'many' } })),
    commands: readCommands(root.child('commands', commandsShape)),
    precommands: readCommands(root.child('precommands', commandsShape)),
    ...(disk === undefined
      ? {}
      : { diskSize: readDiskSize(disk.requiredChild('size', '<size>10 GiB</size>')) }),
    text: '',
  };
}

function minimalTemplate(text: string): Template {
  return { name: '', packages: [], repositories: [], files: [], commands: [], precommands: [], text };
}

function checkVersion(root: TemplateElement): void {
  const version = root.attribute('version');
  if (version !== undefined && version !== '1.0') {
    throw root.error(
      `<template> has the version ${quoted(version)}`,
      'this agent reads version="1.0"; leave the attribute out if in doubt',
    );
  }
}
