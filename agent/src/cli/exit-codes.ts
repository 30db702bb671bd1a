/** Exit codes of `imagefactory`. */
export const exitCodes = {
  /** Done, or stopped by a signal in an orderly way. */
  ok: 0,
  /** The agent could not start, or something of its own went wrong. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** `doctor`: a plugin lacks something. */
  notReady: 3,
} as const;

export const exitCodesHelp = `
Exit codes:
  0  done, or stopped by SIGTERM or SIGINT in an orderly way
  1  could not start, or an internal error
  2  the command line is wrong
  3  doctor: a plugin lacks something on this machine
  130, 143  ended at once by a second SIGINT or SIGTERM`;
