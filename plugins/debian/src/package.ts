import type { PluginPackage } from '@imagefactory/plugin-api';
import { busyboxOs } from './busybox/plugin.js';
import { debianOs } from './debian/plugin.js';

export const debianPlugins: PluginPackage = {
  api: 1,
  settings: {
    type: 'object',
    additionalProperties: false,
    properties: {
      kernelPackage: { type: 'string', description: 'kernel package of all images' },
      documentation: { type: 'boolean', description: 'whether images have documentation and translations' },
      baseMaxAge: { type: 'number', minimum: 0, description: 'seconds that a base may be kept' },
      recommends: { type: 'boolean', description: 'whether packages come with those they recommend' },
      diskSize: { type: 'integer', minimum: 1, description: 'bytes of a disk without <disk>' },
    },
  },
  plugins: settings => [debianOs(settings), busyboxOs()],
};
