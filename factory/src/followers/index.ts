export { Follower, type FollowerOptions } from './follower.js';
export { importWaiting } from './import-waiting.js';
export { uploaderName, waitingFor } from './objects.js';
export { OldRecords } from './old-records.js';
export { RemoteImages } from './remote-images.js';
export { suspendUploader, Uploader, type UploaderPauses } from './uploader.js';
