export { defaultTemplateLimit, type TemplateLimits } from './limits.js';
export type { RemoteContent, TdlCommand, TdlFile, TdlTemplate } from './model.js';
export { parseTdl, parseTemplate, type TemplateOptions } from './parse-template.js';
export { partNames, partsOf } from './parts.js';
export { printTemplate } from './print-template.js';
export { describeProblem, TemplateError, type TemplateProblem } from './problems.js';
export { readTemplate, type ReadOptions, type TemplateForm, type TemplateReading } from './read-template.js';
export { type RuleName, rules } from './rules.js';
export { publicDescriptor, templateSecrets } from './secrets.js';
