import type { Plugin } from '@imagefactory/plugin-api';
import { busyboxOs, debianOs } from '@imagefactory/plugin-debian';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { openstackKvm } from '@imagefactory/plugin-openstack-kvm';

/** The plugins that come with the agent, with their usual options. */
export function bundledPlugins(): readonly Plugin[] {
  return [mockOs(), debianOs(), busyboxOs(), mockCloud(), openstackKvm()];
}
