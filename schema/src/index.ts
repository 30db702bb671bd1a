export * from './imagefactory.js';
