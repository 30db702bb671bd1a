import { outputExitCodes } from '@imagefactory/qmf/command-line';

/** Exit codes of `imagefactory`. */
export const exitCodes = {
  /** Done, or stopped by a signal in an orderly way. */
  ok: 0,
  /** The agent could not start, has given up on its broker, or something of its own went wrong. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** `doctor`: a plugin lacks something. */
  notReady: 3,
  /** Stopped by a signal, and something was left: messages, calls, or a plugin that did not stop. */
  left: 4,
  /** `template`: a template has errors. */
  invalid: 5,
  /** `image verify`, `store check`: something is damaged. */
  damaged: 6,
  /** Standard output of a command could not be written. */
  outputFailed: outputExitCodes.failed,
} as const;

export const exitCodesHelp = `
Exit codes:
  0  done, or stopped by SIGTERM or SIGINT in an orderly way
  1  could not start, has given up on its broker (--give-up-after), or an
     internal error
  2  the command line is wrong
  3  doctor: a plugin lacks something on this machine
  4  stopped, but something was left: events or answers that did not reach the
     broker, calls that were not answered, or a plugin that did not stop in
     time; the log says what
  5  template: a template has errors
  6  image verify, store check: something in the store is damaged
  74  standard output of a command cannot be written, such as on a full disk
  130, 143  ended at once by a second SIGINT or SIGTERM`;
