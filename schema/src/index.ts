export * from './build-status.js';
export * from './imagefactory.js';
export * from './imagefactory-2012.js';
export * from './imagefactory-with-additions.js';
export * from './revisions.js';
export * from './build-news.js';
export * from './build-adaptor-on-bus.js';
export * from './factory-records.js';
