import { pluginsOf } from '@imagefactory/factory/plugins';
import type { JsonObject, Plugin, PluginPackage } from '@imagefactory/plugin-api';
import debian from '@imagefactory/plugin-debian';
import mock from '@imagefactory/plugin-mock';
import openstackKvm from '@imagefactory/plugin-openstack-kvm';

/** The packages that come with the agent, in the order of the choice. */
export const bundledPackages: ReadonlyMap<string, PluginPackage> = new Map([
  ['@imagefactory/plugin-mock', mock],
  ['@imagefactory/plugin-debian', debian],
  ['@imagefactory/plugin-openstack-kvm', openstackKvm],
]);

/**
 * The plugins that come with the agent.
 *
 * @param settings by the names of their packages
 * @throws PluginLoadError for settings that do not follow the schema of their package
 */
export function bundledPlugins(settings: Readonly<Record<string, JsonObject>> = {}): readonly Plugin[] {
  return [...bundledPackages].flatMap(([name, found]) => pluginsOf(name, found, settings[name]));
}
