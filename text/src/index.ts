export { InputError, isInputError } from './input-error.js';
export { decodeText, otherEncoding } from './decode-text.js';
export { type Json, parseJson, parsePlainJson } from './json.js';
export { nearest } from './nearest.js';
export {
  fileProblem,
  readFileBytes,
  type ReadOptions,
  readSecretFile,
  readStreamBytes,
  readTextFile,
  readTextStream,
} from './read-text-file.js';
export { isLoginCut, maskArguments, shownUrl } from './shown-url.js';
