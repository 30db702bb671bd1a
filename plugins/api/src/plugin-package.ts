import type { JsonObject, JsonSchema } from './json-schema.js';
import type { Plugin } from './plugin.js';

/** The default export of a package that the factory loads by its name. */
export interface PluginPackage {
  /** Version of this contract. */
  readonly api: 1;
  /** The settings that {@link plugins} takes; default: none. */
  readonly settings?: JsonSchema;
  /** Makes the plugins of the package. @param settings from the factory's configuration; they follow the schema */
  plugins(settings: JsonObject): readonly Plugin[];
}
