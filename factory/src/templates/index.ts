export { defaultTemplateLimit, type TemplateLimits } from './limits.js';
export type { RemoteContent, TdlCommand, TdlFile, TdlTemplate } from './model.js';
export { parseTdl, parseTemplate, type TemplateOptions } from './parse-template.js';
export { partNames, partsOf } from './parts.js';
export { templateId } from './template-id.js';
export { printTemplate } from './print-template.js';
export { describeProblem, TemplateError, type TemplateProblem } from './problems.js';
export { readElsewhere } from './read-elsewhere.js';
export { readTemplate, type ReadOptions, type TemplateForm, type TemplateReading } from './read-template.js';
export { createFetcher, type Fetcher, type FetcherOptions } from './reference/fetch.js';
export { imageTemplates } from './reference/image-templates.js';
export { type LoadedTemplate, type LoadOptions, loadTemplate } from './reference/load-template.js';
export {
  firstOf,
  type LookupOptions,
  type ResolvedTemplate,
  type ResolveOptions,
  resolveTemplate,
  type StoredTemplate,
  type TemplateOrigin,
  type TemplateSource,
  type TemplateSources,
} from './reference/resolve-template.js';
export { type RuleName, rules } from './rules.js';
export { type ContentSummary, summariseTemplate, type TemplateSummary } from './summary.js';
export { publicDescriptor, templateSecrets } from './secrets.js';
export { lacksPasswords } from './reference/lacks-passwords.js';
