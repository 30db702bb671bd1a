export { type ArchiveOptions, BuildArchive, waitingDirectory } from './archive.js';
export { OldRecords } from './old-records.js';
export { RemoteImages } from './remote-images.js';
export { waitingIn } from './waiting-list.js';
