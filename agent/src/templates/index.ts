export { parseTemplate, type TemplateOptions } from './parse-template.js';
export { publicDescriptor, templateSecrets } from './secrets.js';
export { defaultTemplateLimit } from './xml.js';
