import { type CloudPlugin, type Diagnosis, whichTool } from '@imagefactory/plugin-api';
import { type Qcow2Compression, toQcow2 } from './qcow2.js';

export type { Qcow2Compression } from './qcow2.js';

export interface OpenstackKvmOptions {
  /**
   * How the clusters of the qcow2 file are stored; default `none`.
   *
   * `none` is read by every qemu since 1.7 and is made in a second. `zlib` is read as widely, at a third of the size and about
   * eight times the time. `zstd` has the size of zlib in about twice the time of `none`, but compute hosts with a qemu older
   * than 5.1 can't read it, and Glance doesn't notice.
   */
  readonly compression?: Qcow2Compression;
}

/** The target `openstack-kvm`: a qcow2 file (compat 1.1) that Glance takes as `disk_format=qcow2, container_format=bare`. */
export function openstackKvm(options: OpenstackKvmOptions = {}): CloudPlugin {
  const compression = options.compression ?? 'none';
  return {
    kind: 'cloud',
    name: 'openstack-kvm',
    summary: 'OpenStack on KVM: the image as qcow2',
    targets: ['openstack-kvm'],
    doctor,
    buildTarget: (_target, base, _template, context) => toQcow2(base, context, compression),
  };
}

async function doctor(): Promise<Diagnosis> {
  const path = await whichTool('qemu-img');
  return {
    requirements: [
      path === undefined
        ? {
            need: 'qemu-img',
            state: 'missing',
            detail: 'qemu-img is not installed; it makes the qcow2 file',
            remedy: 'apt-get install --no-install-recommends qemu-utils',
          }
        : { need: 'qemu-img', state: 'met', detail: path },
    ],
  };
}
