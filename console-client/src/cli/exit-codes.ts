import { outputExitCodes } from '@imagefactory/qmf/command-line';

/** How the program ends; `--help` prints this table. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
  outputFailed: outputExitCodes.failed,
  interrupted: 130,
  outputClosed: outputExitCodes.closed,
  terminated: 143,
} as const;

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'done; the build, if one was watched, is COMPLETED',
  failed: 'the build failed, or an agent answered with an exception',
  usage: 'wrong use, or input that cannot be read',
  unreachable: 'the bus cannot be reached, refuses the credentials, or was lost under way',
  notFound: 'nothing found: no such agent, class or object, or no answer in time',
  outputFailed: 'standard output cannot be written, such as on a full disk',
  interrupted: 'interrupted (Ctrl-C); a build that was started goes on',
  outputClosed:
    'the reader of the output went away before the command was done; a build that is followed is followed on to its end, whose exit code counts',
  terminated: 'terminated',
};

export function exitCodesHelp(): string {
  const lines = (Object.keys(exitCodes) as (keyof typeof exitCodes)[]) // the keys of a literal are its own names
    .map(name => `  ${String(exitCodes[name]).padEnd(5)}${meanings[name]}`);
  return ['Exit codes:', ...lines].join('\n');
}
