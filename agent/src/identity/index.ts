export { assumeIdentity, type Identity } from './identity.js';
export { namesakeHandler } from './namesake.js';
