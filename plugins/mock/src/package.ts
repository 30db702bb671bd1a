import type { PluginPackage } from '@imagefactory/plugin-api';
import { mockCloud } from './cloud.js';
import { mockOs } from './os.js';
import type { MockOptions } from './steps.js';

export const mockPlugins: PluginPackage = {
  api: 1,
  settings: {
    type: 'object',
    additionalProperties: false,
    properties: {
      stepDelay: { type: 'integer', minimum: 0, description: 'milliseconds that each step takes' },
      resumable: { type: 'boolean', description: 'whether interrupted jobs are resumed' },
    },
  },
  plugins(settings) {
    // By the schema.
    const options = settings as MockOptions;
    return [mockOs(options), mockCloud(options)];
  },
};
