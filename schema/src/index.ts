export * from './build-status.js';
export * from './imagefactory.js';
