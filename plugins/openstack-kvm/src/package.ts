import type { PluginPackage } from '@imagefactory/plugin-api';
import { openstackKvm } from './plugin.js';

export const openstackKvmPlugins: PluginPackage = {
  api: 1,
  settings: {
    type: 'object',
    additionalProperties: false,
    properties: {
      compression: {
        enum: ['none', 'zlib', 'zstd'],
        description: 'compression of the clusters of the qcow2 file',
      },
    },
  },
  plugins: settings => [openstackKvm(settings)],
};
