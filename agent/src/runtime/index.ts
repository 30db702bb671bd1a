export { bundledPackages, bundledPlugins } from './bundled-plugins.js';
export { type DoctorReport, doctorReport, type PluginHealth } from './doctor.js';
export type { AgentOptions } from './options.js';
export { agentRetry } from './retry.js';
export { type RunningAgent, startAgent, type StopReport } from './start-agent.js';
