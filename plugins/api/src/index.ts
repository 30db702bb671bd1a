export * from './context.js';
export * from './doctor.js';
export * from './errors.js';
export * from './plugin.js';
export * from './runner.js';
export * from './template.js';
