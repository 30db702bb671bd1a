import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isInputError, parsePlainJson, readTextFile } from '@imagefactory/text';
import type { Command, Option } from 'commander';
import { errorCode } from '@imagefactory/factory/platform';
import { errorLine } from '@imagefactory/factory/platform';
import { pluginSources } from './plugin-choice.js';
import { UsageError } from './usage-error.js';

export const usualConfigFile = '/etc/imagefactory/imagefactory.conf';

/** Options that make no sense in a file: what to do, where the file is, and what must not lie about in one. */
const commandLineOnly: ReadonlySet<string> = new Set(['config', 'version', 'help', 'password']);

/** Settings that are no options, and their names among them: on the command line every user of the machine could read them. */
const fileOnlySettings: ReadonlyMap<string, string> = new Map([
  ['warehouse_key', 'warehouseKey'],
  ['warehouse_secret', 'warehouseSecret'],
]);

/** Options that may be given more than once: lists in a file. */
const repeatable: ReadonlySet<string> = new Set(['broker', 'qpidd', 'maxConcurrentAt', 'buildLimit']);

/**
 * Fills in what the command line leaves open from a configuration file: a JSON object whose keys are long options without their dashes, as
 * the factory has always had it, and `max_concurrent_local_sessions`, `max_concurrent_ec2_sessions` and their like, and `warehouse_key` and `warehouse_secret`. The command line wins
 * over the file, the file over the environment and the defaults.
 *
 * @param given path of the file; without it the usual one counts, if it is there
 * @returns what is odd about the file, for the log
 * @throws UsageError or QmfError `invalid_argument` that names the file and the key
 */
export async function applyConfigFile(
  program: Command,
  given: string | undefined,
): Promise<readonly string[]> {
  const path = given ?? usualConfigFile;
  let text: string;
  try {
    text = await readTextFile(path, { name: `--config ${path}` });
  } catch (error) {
    const code = isInputError(error) ? errorCode(error.cause) : undefined;
    if (given === undefined && ['ENOENT', 'EACCES', 'ENOTDIR'].includes(code ?? '')) return [];
    throw error;
  }
  const odd: string[] = [];
  for (const [key, value] of entriesOf(text, path)) {
    const wrong = (what: string): UsageError => new UsageError(`${path}: ${key} ${what}`);
    const resource = /^max[_-]concurrent[_-](\w+)[_-]sessions$/.exec(key)?.[1];
    if (resource !== undefined) {
      if (!isLimit(value)) throw wrong('is to be a whole number from 1 to 1000');
      setLimit(program, resource, value);
      continue;
    }
    const fileOnly = fileOnlySettings.get(key.replaceAll('-', '_'));
    if (fileOnly !== undefined) {
      // The message must not quote it.
      if (typeof value !== 'string' || value === '') throw wrong('is to be a text that is not empty');
      program.setOptionValueWithSource(fileOnly, value, 'config');
      if (fileOnly === 'warehouseSecret' && (await isOpenToAll(path)))
        odd.push(`${path}: every user of this machine can read ${key}; chmod o-r makes it private`);
      continue;
    }
    const option = program.options.find(
      one => one.long === `--${key}` || one.long === `--${key.replaceAll('_', '-')}`,
    );
    if (option === undefined || commandLineOnly.has(option.attributeName())) {
      odd.push(`${path}: ${key} is no option of this agent; it is left out`);
      continue;
    }
    if (program.getOptionValueSource(option.attributeName()) === 'cli') continue;
    if (option.attributeName() === 'plugin') {
      program.setOptionValueWithSource('plugin', pluginsIn(value, path, wrong), 'config');
      continue;
    }
    try {
      setOption(program, option, value, wrong);
    } catch (error) {
      throw error instanceof UsageError ? error : wrong(`is wrong: ${errorLine(error)}`);
    }
  }
  return odd;
}

function pluginsIn(value: unknown, path: string, wrong: (what: string) => Error): unknown {
  try {
    return pluginSources(value, dirname(resolve(path)));
  } catch (error) {
    throw wrong(errorLine(error));
  }
}

async function isOpenToAll(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o004) !== 0;
}

function setOption(program: Command, option: Option, value: unknown, wrong: (what: string) => Error): void {
  const name = option.attributeName();
  if (option.isBoolean() || option.negate) {
    // The factory's own files have 0 and 1 as well.
    if (value !== true && value !== false && value !== 0 && value !== 1)
      throw wrong('is to be true or false');
    if (Boolean(value)) program.setOptionValueWithSource(name, !option.negate, 'config');
    return;
  }
  if (Array.isArray(value) && !repeatable.has(name)) throw wrong('is to be one value, not a list');
  const words: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (words.length === 0) throw wrong('is an empty list; leave it out');
  let parsed: unknown;
  for (const word of words) {
    if (typeof word !== 'string' && typeof word !== 'number') throw wrong('is to be a text or a number');
    const text = String(word);
    if (option.argChoices !== undefined && !option.argChoices.includes(text)) {
      throw wrong(`is to be one of ${option.argChoices.join(', ')}`);
    }
    parsed = option.parseArg === undefined ? text : option.parseArg(text, parsed);
  }
  program.setOptionValueWithSource(name, parsed, 'config');
}

function setLimit(program: Command, resource: string, limit: number): void {
  if (resource === 'local') {
    if (program.getOptionValueSource('maxConcurrent') !== 'cli') {
      program.setOptionValueWithSource('maxConcurrent', limit, 'config');
    }
    return;
  }
  const before: unknown = program.getOptionValue('maxConcurrentAt');
  const known = typeof before === 'object' && before !== null ? before : {};
  // What the command line says of a resource counts, whatever the file says of it.
  program.setOptionValueWithSource(
    'maxConcurrentAt',
    { [resource]: limit, ...known },
    program.getOptionValueSource('maxConcurrentAt') ?? 'config',
  );
}

function entriesOf(text: string, path: string): readonly (readonly [string, unknown])[] {
  const value = parsePlainJson(text, path);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`${path} is to hold one JSON object, {"option": value, …}`);
  }
  return Object.entries(value);
}

function isLimit(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1000;
}
