export { CloseStack } from './close-stack.js';
export { errorCode } from './files/error-code.js';
export { openScratchArea, type ScratchArea } from './files/scratch-area.js';
export * from './identity/index.js';
export * from './leftovers/index.js';
export * from './log/index.js';
