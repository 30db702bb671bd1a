import type { Plugin } from '@imagefactory/plugin-api';
import { busyboxOs, debianOs } from '@imagefactory/plugin-debian';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { openstackKvm } from '@imagefactory/plugin-openstack-kvm';

export interface BundledOptions {
  /** Whether packages of templates are installed with those that they recommend; default true. */
  readonly recommends?: boolean;
}

/** The plugins that come with the agent. */
export function bundledPlugins({ recommends = true }: BundledOptions = {}): readonly Plugin[] {
  return [mockOs(), debianOs({ recommends }), busyboxOs(), mockCloud(), openstackKvm()];
}
