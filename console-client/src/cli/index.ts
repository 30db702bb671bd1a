/** The command line, for the program `imagefactory-console` and for programs that contain it. */
export { exitCodes } from './exit-codes.js';
export type { Io } from './io.js';
export { main } from './main.js';
export { runCli } from './run.js';
