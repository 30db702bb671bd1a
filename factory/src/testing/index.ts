export { fakeCloud, fakeOs } from './fake-plugins.js';
export { type Iwhd, startIwhd } from './iwhd.js';
export { recordingLogger } from './recording-logger.js';
export { withoutJob } from './without-job.js';
export { rejection, until } from './until.js';
