import { join } from 'node:path';
import type { Provider } from '@imagefactory/plugin-api';
import { isInputError, parsePlainJson, readTextFile } from '@imagefactory/text';
import { errorCode } from '../../platform/files/error-code.js';
import { type Logger } from '../../platform/log/index.js';
import { ProviderError } from './provider-error.js';
import { elementsIn, smallXml } from './small-xml.js';

/** A provider and the target whose images it takes. */
export interface FoundProvider {
  readonly target: string;
  readonly provider: Provider;
  /** The definition's values that must not be shown. */
  readonly secrets: readonly string[];
}

/** Where providers can be found by name. */
export interface ProviderDirectory {
  /** @throws ProviderError for what names no provider */
  find(text: string): Promise<FoundProvider>;
}

/** Files of definitions, and the target that those in each are for. */
const files = [
  ['rhevm.json', 'rhevm'],
  ['vsphere.json', 'vsphere'],
] as const;

const secretFields = /passw|secret|token|key/i;
const lengthLimit = 64 * 1024;

/**
 * Finds out what a caller means by a provider: a definition in XML (its root's attributes and elements) or JSON, which names its
 * `target`; the name of a definition in `rhevm.json` or `vsphere.json`; or a name that begins with the target: `ec2-…`, `rackspace…`, `mock…`.
 * Any other name is one of Condor Cloud's, as it was in the original.
 *
 * @param directory of the two files; they are read at each call, so that they can be changed while the agent runs
 */
export function createProviders(directory: string, log: Logger): ProviderDirectory {
  const definitions = async (file: string): Promise<Readonly<Record<string, unknown>>> => {
    const path = join(directory, file);
    try {
      return record(parsePlainJson(await readTextFile(path, { name: 'it' }), 'it')) ?? {};
    } catch (error) {
      if (!isInputError(error)) throw error;
      if (errorCode(error.cause) !== 'ENOENT') log.warn(`${path} cannot be used: ${error.message}`);
      return {};
    }
  };
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
      for (const [file, target] of files) {
        const all = await definitions(file);
        const definition = Object.hasOwn(all, word) ? record(all[word]) : undefined;
        if (definition !== undefined) return defined(word, target, texts(definition));
      }
      if (word.length > 200 || /[\p{Cc}<>]/u.test(word)) {
        throw new ProviderError('providers', 'one of them is neither a name nor a definition in XML or JSON');
      }
      const target = targetOfName(word);
      if (target === 'condorcloud')
        log.warn(`provider ${JSON.stringify(word)} is taken for one of condorcloud`);
      return { target, provider: { name: word }, secrets: [] };
    },
  };
}

function targetOfName(name: string): string {
  if (name.startsWith('ec2-')) return 'ec2';
  if (name.startsWith('rackspace')) return 'rackspace';
  return name.startsWith('mock') ? 'mock' : 'condorcloud';
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
