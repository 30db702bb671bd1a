export { type ArchiveOptions, BuildArchive, waitingDirectory } from './archive.js';
export { waitingIn } from './waiting-list.js';
