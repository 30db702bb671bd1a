import { loadPlugins, PluginLoadError, type PluginSource } from '@imagefactory/factory/plugins';
import type { JsonObject, Plugin } from '@imagefactory/plugin-api';
import { bundledPackages, bundledPlugins } from '../runtime/index.js';
import { UsageError } from './usage-error.js';

export interface PluginFlags {
  /** Packages that are loaded beside ours; for one of ours its settings. */
  readonly plugin?: readonly PluginSource[];
  readonly bundledPlugins: boolean;
  readonly recommends: boolean;
}

/** Adds a package of the command line to those before. */
export function pluginSource(name: string, before: readonly PluginSource[] = []): readonly PluginSource[] {
  return [...before, { package: name }];
}

/**
 * The packages of a configuration file: names, or `{ "package": name, "settings": {…} }`.
 *
 * @param directory of the file, where paths begin and packages are looked for
 * @throws Error with the form that is expected
 */
export function pluginSources(value: unknown, directory: string): readonly PluginSource[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items.map(item => {
    if (typeof item === 'string') return { package: item, directory };
    const settings = isObject(item) ? (item['settings'] ?? {}) : undefined;
    if (!isObject(item) || typeof item['package'] !== 'string' || !isSettings(settings))
      throw new Error('is to be a list of names of packages, or of {"package": name, "settings": {…}}');
    return { package: item['package'], settings, directory };
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Values of a configuration file are JSON. */
function isSettings(value: unknown): value is JsonObject {
  return isObject(value);
}

/**
 * The plugins of the agent: ours, and those of the packages that are named.
 *
 * @throws UsageError that names the package
 */
export async function pluginsFor(flags: PluginFlags): Promise<readonly Plugin[]> {
  const named = flags.plugin ?? [];
  const settings: Record<string, JsonObject> = {
    '@imagefactory/plugin-debian': { recommends: flags.recommends },
  };
  for (const source of named) settings[source.package] = { ...settings[source.package], ...source.settings };
  try {
    const others = named.filter(source => !bundledPackages.has(source.package));
    return [
      ...(flags.bundledPlugins ? bundledPlugins(settings) : []),
      ...(await loadPlugins(others, process.cwd())),
    ];
  } catch (error) {
    throw error instanceof PluginLoadError ? new UsageError(error.message) : error;
  }
}
