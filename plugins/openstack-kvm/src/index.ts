export { type OpenstackKvmOptions, openstackKvm, type Qcow2Compression } from './plugin.js';
