import type { Command, Option } from 'commander';
import { severityWords } from '@imagefactory/qmf';
import { escapeControls } from '../../terminal/escape.js';
import type { Names } from './live-names.js';
import { scanWords } from './words.js';

export interface CompleterOptions {
  readonly names: Names;
  /** The commands with their options. */
  readonly program: Command;
  /** Names of files that begin with a path. */
  readonly files: (prefix: string) => Promise<readonly string[]>;
  /** Milliseconds after which typing goes on without suggestions. */
  readonly deadline: number;
}

/** The candidates, and the part of the line that each of them would replace. */
export type Completion = [candidates: string[], replaced: string];

/** Completes the last word of a line. Never rejects, and settles at the deadline. */
export async function completeLine(line: string, options: CompleterOptions): Promise<Completion> {
  const { words, open } = scanWords(line);
  const current = words.at(-1)?.raw ?? '';
  if (open !== undefined) return [[], current];
  const before = words.slice(0, -1).map(({ text }) => text);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly string[]>(resolve => {
    timer = setTimeout(() => resolve([]), options.deadline);
  });
  const candidates = await Promise.race([candidatesFor(before, current, options).catch(() => []), late]);
  clearTimeout(timer);
  const fitting = candidates
    // Names come from agents: what a terminal might obey is not shown, and what would need quotes not offered.
    .filter(name => name.startsWith(current) && escapeControls(name) === name && !/[\s'"\\]/.test(name));
  return [finish([...new Set(fitting)]), current];
}

/** A single candidate is a whole word, unless it wants something behind it. */
function finish(candidates: string[]): string[] {
  const [only] = candidates;
  return candidates.length === 1 && only !== undefined && !/[=/,:]$/.test(only) ? [`${only} `] : candidates;
}

async function candidatesFor(
  before: readonly string[],
  current: string,
  options: CompleterOptions,
): Promise<readonly string[]> {
  const { names, program } = options;
  const commandNames = program.commands.map(command => command.name());
  const name = before[0];
  if (name === undefined) return commandNames;
  if (name === 'help') return before.length === 1 ? commandNames : [];
  if (name === 'use') return before.length === 1 ? agentWords(names) : [];
  const command = program.commands.find(candidate => candidate.name() === name);
  if (command === undefined) return [];
  const known = [...command.options, ...program.options];
  if (current.startsWith('-')) return known.flatMap(({ long }) => (long === undefined ? [] : [long]));
  const { option, positionals } = readWords(before.slice(1), known);
  if (option !== undefined) return optionValues(option, positionals, current, options);
  return positionalValues(name, positionals, current, options);
}

/** The option whose value comes next, and the words that are no options. */
function readWords(
  words: readonly string[],
  known: readonly Option[],
): { readonly option: Option | undefined; readonly positionals: readonly string[] } {
  const positionals: string[] = [];
  let option: Option | undefined;
  for (const word of words) {
    if (option !== undefined) option = undefined;
    else if (!word.startsWith('-')) positionals.push(word);
    else option = known.find(({ long, short, required }) => required && (long === word || short === word));
  }
  return { option, positionals };
}

async function optionValues(
  option: Option,
  positionals: readonly string[],
  current: string,
  { names, files }: CompleterOptions,
): Promise<readonly string[]> {
  switch (option.long) {
    case '--agent':
      return agentWords(names);
    case '--class':
      return names.classes('_event');
    case '--min-severity':
      return severityWords;
    case '--body-form':
      return ['value', 'data'];
    case '--credentials':
    case '--description':
      return files(current);
    case '--columns': {
      const done = current.slice(0, current.lastIndexOf(',') + 1);
      const properties = await names.properties(positionals[0] ?? '');
      return properties.map(property => done + property);
    }
    default:
      return [];
  }
}

async function positionalValues(
  command: string,
  positionals: readonly string[],
  current: string,
  { names, files }: CompleterOptions,
): Promise<readonly string[]> {
  const [first = '', second = '', ...given] = positionals;
  const place = positionals.length;
  switch (command) {
    case 'query':
      return place > 0 ? [] : both(names.classes('_data'), names.objects());
    case 'schema':
      return place > 0 ? [] : names.classes();
    case 'events':
      return place > 0 ? [] : ['on', 'off'];
    case 'watch':
    case 'log':
    case 'abort':
    case 'push':
      return place > 0 ? [] : names.objects('BuildAdaptor');
    case 'build':
      return place > 0 ? [] : files(current);
    case 'call': {
      if (place === 0) return both(names.objects(), names.classes('_data'));
      if (place === 1) return names.methods(first);
      const file = /^(\w+=)?@(.*)$/s.exec(current);
      if (file !== null) return (await files(file[2] ?? '')).map(path => `${file[1] ?? ''}@${path}`);
      return restOfInputs(await names.inputs(first, second), given);
    }
    default:
      return [];
  }
}

/** Arguments that were given by position or name are not wanted again. */
function restOfInputs(inputs: readonly string[], given: readonly string[]): string[] {
  const named = given.flatMap(word => /^(\w+)=/.exec(word)?.[1] ?? []).filter(name => inputs.includes(name));
  const byPosition = inputs.slice(0, given.length - named.length);
  return inputs.filter(name => !named.includes(name) && !byPosition.includes(name)).map(name => `${name}=`);
}

/** Full names, and vendor with product where that says enough. */
function agentWords(names: Names): string[] {
  const full = names.agents();
  const short = full.map(name => name.split(':').slice(0, 2).join(':'));
  return [...full, ...short.filter(name => short.indexOf(name) === short.lastIndexOf(name))];
}

async function both(
  left: Promise<readonly string[]>,
  right: Promise<readonly string[]>,
): Promise<readonly string[]> {
  const [first, second] = await Promise.all([left, right]);
  return [...first, ...second];
}
