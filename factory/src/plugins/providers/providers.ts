import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Provider } from '@imagefactory/plugin-api';
import { isInputError, parsePlainJson, readTextFile } from '@imagefactory/text';
import { type Logger } from '../../platform/log/index.js';
import { ProviderError } from './provider-error.js';
import { elementsIn, smallXml } from './small-xml.js';

/** A provider and the target whose images it takes. */
export interface FoundProvider {
  /** Absent if neither a definition nor a plugin knows it. */
  readonly target?: string;
  readonly provider: Provider;
  /** The definition's values that must not be shown. */
  readonly secrets: readonly string[];
}

/** Where providers can be found by name. */
export interface ProviderDirectory {
  /** @throws ProviderError for what names no provider */
  find(text: string): Promise<FoundProvider>;
}

const secretFields = /passw|secret|token|key/i;
const lengthLimit = 64 * 1024;

/**
 * Finds the provider that a caller means: a definition in XML (its root's attributes and elements) or JSON, which names its `target`; the name of a
 * definition in a file `TARGET.json` of the directory; or a name, whose target a plugin knows by its beginning.
 *
 * @param directory of the files; they are read at each call, so that they can be changed while the agent runs
 * @param targetOf the target of a name
 */
export function createProviders(
  directory: string,
  targetOf: (name: string) => string | undefined,
  log: Logger,
): ProviderDirectory {
  return {
    async find(text) {
      const word = text.trim();
      if (word === '' || word.length > lengthLimit) {
        throw new ProviderError(
          'providers',
          word === '' ? 'one of them is empty; give names or definitions' : 'one of them is too long',
        );
      }
      if (word.startsWith('<') || word.startsWith('{')) return inline(word);
      if (word.length > 200 || /[\p{Cc}<>]/u.test(word))
        throw new ProviderError('providers', 'one of them is neither a name nor a definition in XML or JSON');
      const fromFile = await inFiles(word, directory, log);
      if (fromFile !== undefined) return fromFile;
      const target = targetOf(word);
      return { ...(target === undefined ? {} : { target }), provider: { name: word }, secrets: [] };
    },
  };
}

async function inFiles(name: string, directory: string, log: Logger): Promise<FoundProvider | undefined> {
  const files = await readdir(directory).catch(() => []);
  for (const file of files.filter(one => one.endsWith('.json')).sort()) {
    const all = await definitionsIn(join(directory, file), log);
    const definition = Object.hasOwn(all, name) ? record(all[name]) : undefined;
    if (definition !== undefined) return defined(name, file.slice(0, -'.json'.length), texts(definition));
  }
  return undefined;
}

async function definitionsIn(path: string, log: Logger): Promise<Readonly<Record<string, unknown>>> {
  try {
    return record(parsePlainJson(await readTextFile(path, { name: 'it' }), 'it')) ?? {};
  } catch (error) {
    if (!isInputError(error)) throw error;
    log.warn(`${path} cannot be used: ${error.message}`);
    return {};
  }
}

function inline(text: string): FoundProvider {
  const definition = text.startsWith('<') ? fromXml(text) : fromJson(text);
  const target = definition?.['target'] ?? '';
  if (definition === undefined || target === '') {
    const kind = text.startsWith('<') ? 'XML' : 'JSON';
    const wrong = definition === undefined ? `is no well-formed ${kind}` : `names no target`;
    throw new ProviderError(
      'providers',
      `a definition in ${kind} ${wrong}; give one such as {"target": "mock", "name": "mock-one"}`,
    );
  }
  return defined(definition['name'] ?? target, target, definition);
}

function defined(name: string, target: string, definition: Readonly<Record<string, string>>): FoundProvider {
  const secrets = Object.entries(definition).flatMap(([field, value]) =>
    secretFields.test(field) && value !== '' ? [value] : [],
  );
  return { target, provider: { name: name.slice(0, 200), definition }, secrets };
}

function fromXml(text: string): Readonly<Record<string, string>> | undefined {
  const root = smallXml(text);
  if (root === undefined) return undefined;
  return Object.fromEntries([
    ...[...root.attributes].map(({ name, value }) => [name, value] as const),
    ...elementsIn(root).map(element => [element.tagName, (element.textContent ?? '').trim()] as const),
  ]);
}

function fromJson(text: string): Readonly<Record<string, string>> | undefined {
  try {
    const parsed = record(parsePlainJson(text, 'the definition'));
    return parsed === undefined ? undefined : texts(parsed);
  } catch {
    return undefined;
  }
}

function texts(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? [[name, String(value)] as const]
        : [],
    ),
  );
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // An object that is no array has text for keys.
  return value as Readonly<Record<string, unknown>>;
}
