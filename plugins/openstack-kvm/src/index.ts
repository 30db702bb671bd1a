export { type OpenstackKvmOptions, openstackKvm, type Qcow2Compression } from './plugin.js';
export { openstackKvmPlugins as default } from './package.js';
