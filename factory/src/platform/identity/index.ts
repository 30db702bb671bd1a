export { assumeIdentity, type Identity } from './identity.js';
