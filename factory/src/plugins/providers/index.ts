export { assertDeclared } from './declared.js';
export { readCredentials, type ReadCredentials } from './credentials.js';
export { ProviderError } from './provider-error.js';
export { elementName } from './small-xml.js';
export { createProviders, type FoundProvider, type ProviderDirectory } from './providers.js';
