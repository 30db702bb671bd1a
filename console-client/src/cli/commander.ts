import { maskArguments } from '@imagefactory/text';
import { type Command, CommanderError } from 'commander';
import { CliError, toCliError, usageError } from './errors.js';
import { exitCodes } from './exit-codes.js';

/** Errors are told by us, in one line, instead of by commander; help goes where results go. */
export function silence(command: Command, write: (text: string) => void, width: number | undefined): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: write,
    writeErr: () => undefined,
    getOutHelpWidth: () => width ?? 80,
  });
  for (const child of command.commands) silence(child, write, width);
}

/**
 * A hook before an action that wants options to be there. Commander's own `requiredOption` misses them before it looks at what it does not
 * know, so that one which is mistyped would be told as missing.
 *
 * @param names of the options, as their values are called
 */
export function needs(...names: readonly string[]): (command: Command) => void {
  return command => {
    const missing = command.options.find(
      option =>
        names.includes(option.attributeName()) &&
        command.getOptionValue(option.attributeName()) === undefined,
    );
    if (missing !== undefined)
      throw usageError(`required option '${missing.flags}' not specified`, 'see --help');
  };
}

/**
 * An error of a command line for its user. Commander's own errors are wrong use, with the text it has for them; that help was shown is none.
 *
 * @param words of the command line, whose URLs are shown without user and password
 */
export function toShownError(error: unknown, words: readonly string[]): CliError {
  const { code, exitCode, message, remedy } = fromCommander(error);
  return new CliError(code, exitCode, maskArguments(message, words), remedy, { cause: error });
}

function fromCommander(error: unknown): CliError {
  if (!(error instanceof CommanderError)) return toCliError(error);
  if (error.exitCode === 0) return new CliError('help', exitCodes.ok, error.message);
  if (error.code === 'commander.help') {
    return usageError('a command is wanted', 'see what there is with --help');
  }
  if (error.code === 'commander.unknownCommand') {
    return usageError(
      error.message.replace(/^error: /, '').replace('\n', ' '),
      "see what there is with 'help'",
    );
  }
  const [message = '', hint] = error.message.replace(/^error: /, '').split('\n');
  return usageError(message, hint === undefined ? 'see --help' : hint.replace(/^\((.*)\)$/, '$1'));
}
