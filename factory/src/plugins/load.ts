import { pathToFileURL } from 'node:url';
import { isAbsolute, join } from 'node:path';
import type { JsonObject, Plugin, PluginPackage } from '@imagefactory/plugin-api';
import { resolve as resolveFrom } from 'import-meta-resolve';
import { errorLine } from '../platform/index.js';
import { assertSchema, schemaProblems } from './schemas.js';

/** A package of plugins in the configuration. */
export interface PluginSource {
  /** Name of a package, or path of a module, which begins with a dot or a slash. */
  readonly package: string;
  readonly settings?: JsonObject;
  /** Where paths begin, and packages are looked for first; default: that of the call. */
  readonly directory?: string;
}

/** A package that cannot be loaded. Its message names the package, the fault and the remedy. */
export class PluginLoadError extends Error {
  override readonly name = 'PluginLoadError';
}

/**
 * Loads plugins by the names of their packages.
 *
 * @param directory where paths begin, and packages are looked for first; then those that this program has
 * @throws PluginLoadError for the first package that cannot be loaded
 */
export async function loadPlugins(
  sources: readonly PluginSource[],
  directory: string,
): Promise<readonly Plugin[]> {
  const plugins: Plugin[] = [];
  for (const source of sources) {
    const found = await importPackage(source.package, source.directory ?? directory);
    plugins.push(...pluginsOf(source.package, found, source.settings));
  }
  return plugins;
}

/** The plugins of a package that is there already. @throws PluginLoadError */
export function pluginsOf(name: string, found: unknown, settings: JsonObject = {}): readonly Plugin[] {
  const wrong = (problem: string, cause?: unknown): PluginLoadError =>
    new PluginLoadError(`plugin package ${name}: ${problem}`, { cause });
  if (!isPackage(found))
    throw wrong('its default export is no { api: 1, plugins(settings) }; see docs/plugins.md');
  // A package may be plain JavaScript.
  if (found.api !== 1)
    throw wrong(
      `it is for version ${String(found.api)} of the contract, and this factory has 1; install another release`,
    );
  const schema = found.settings ?? { type: 'object', additionalProperties: false };
  try {
    assertSchema(name, schema);
  } catch (error) {
    throw wrong(`settings: ${errorLine(error)}`, error);
  }
  const problems = schemaProblems(schema, settings);
  if (problems.length > 0) throw wrong(`settings: ${problems.join('; ')}`);
  try {
    return found.plugins(settings);
  } catch (error) {
    throw wrong(`it failed: ${errorLine(error)}`, error);
  }
}

async function importPackage(name: string, directory: string): Promise<unknown> {
  const url = urlOf(name, directory);
  try {
    const module = (await import(url)) as { readonly default?: unknown };
    return module.default;
  } catch (error) {
    throw new PluginLoadError(`plugin package ${name}: it failed to load: ${errorLine(error)}`, {
      cause: error,
    });
  }
}

function urlOf(name: string, directory: string): string {
  const specifier = isAbsolute(name) ? pathToFileURL(name).href : name;
  let reason: unknown;
  for (const parent of [pathToFileURL(join(directory, 'configuration')).href, import.meta.url]) {
    try {
      return resolveFrom(specifier, parent);
    } catch (error) {
      reason ??= error;
    }
  }
  throw new PluginLoadError(
    `plugin package ${name}: it cannot be found from ${directory}; install it there, or give the path of its module (${errorLine(reason)})`,
    { cause: reason },
  );
}

function isPackage(value: unknown): value is Omit<PluginPackage, 'api'> & { readonly api: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'api' in value &&
    'plugins' in value &&
    typeof value.plugins === 'function'
  );
}
