import type { Template } from '@imagefactory/plugin-api';
import { isRemote, type TdlCommand, type TdlTemplate } from './model.js';
import { TemplateError } from './problems.js';
import { readTemplate } from './read-template.js';

export interface TemplateOptions {
  /** Bytes of UTF-8 that a template may have; default 2 MiB. */
  readonly limit?: number;
}

/**
 * Reads a TDL document for building. `<template></template>` and a template of mere text are taken as they are; only the target
 * `mock` builds those.
 *
 * @throws TemplateError (a BuildError `template_invalid`), whose message tells line, column, what is wrong and what would be right
 */
export function parseTdl(text: string, options: TemplateOptions = {}): TdlTemplate {
  const limits = options.limit === undefined ? {} : { bytes: options.limit };
  const reading = readTemplate(text, { form: 'build', limits });
  if (!reading.valid) throw new TemplateError(reading.problems);
  return reading.template;
}

/**
 * The same as plugins get it, for templates that hold all of their content.
 *
 * @throws TemplateError also for content that would have to be fetched (`type="url"`); `loadTemplate` does that
 */
export function parseTemplate(text: string, options: TemplateOptions = {}): Template {
  const template = parseTdl(text, options);
  return {
    ...template,
    files: template.files.map(({ path, content }) =>
      isRemote(content) ? refuseRemote(`the file ${path}`) : { path, content },
    ),
    commands: template.commands.map(scriptInside),
    precommands: template.precommands.map(scriptInside),
  };
}

function scriptInside({ name, script }: TdlCommand): { name: string; script: string } {
  return isRemote(script) ? refuseRemote(`the command ${name}`) : { name, script };
}

function refuseRemote(what: string): never {
  throw new TemplateError([
    {
      rule: 'url',
      severity: 'error',
      line: 0,
      column: 0,
      path: '',
      message: `${what} says type="url", which is not fetched here`,
      remedy: 'put the content itself there, or hand the template to an agent',
    },
  ]);
}
