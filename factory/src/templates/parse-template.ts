import { BuildError, type Template } from '@imagefactory/plugin-api';
import { shownUrl } from '@imagefactory/text';
import { remoteUrls, type TdlTemplate, withContents } from './model.js';
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
 * @throws TemplateError, and a BuildError `template_invalid` for content that would have to be fetched (`type="url"`); `loadTemplate` does that
 */
export function parseTemplate(text: string, options: TemplateOptions = {}): Template {
  const template = parseTdl(text, options);
  const [url] = remoteUrls(template);
  if (url !== undefined) {
    throw new BuildError('template_invalid', `${shownUrl(url)}: content of type="url" is not fetched here`);
  }
  return withContents(
    template,
    () => new Uint8Array(),
    () => '',
  );
}
