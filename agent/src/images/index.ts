export { DirectoryStore, type DirectoryStoreOptions, newImageIdentifier } from './directory-store.js';
export type { AddOptions, ImageFacts, ImageStore, StoredImage } from './image-store.js';
