import { type SandboxFile, stageInGuest } from '@imagefactory/plugin-api';
import { type ChosenSources, deb822List } from '../apt/choose-sources.js';
import { grubConfiguration, rootLabel } from '../disk/grub.js';
import { type GuestFile, quoted } from '../tree/guest-files.js';
import { keptFunctions } from '../tree/kept.js';
import { growRootFiles, growRootScript } from './grow-root.js';
import { perMachineScript } from './per-machine.js';

/** What every image gets before the template's own files, which may replace any of it. */
export function systemFiles(kernelParameters: string | undefined): GuestFile[] {
  return [
    { path: '/etc/fstab', content: `LABEL=${rootLabel} / ext4 errors=remount-ro 0 1\n` },
    // With this name a host name from DHCP is taken over.
    { path: '/etc/hostname', content: 'localhost\n' },
    { path: '/etc/hosts', content: '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' },
    {
      path: '/etc/systemd/network/80-dhcp.network',
      content: '[Match]\nName=en* eth*\n\n[Network]\nDHCP=yes\n\n[DHCPv4]\nUseDomains=yes\n',
    },
    { path: '/boot/grub/grub.cfg', content: grubConfiguration(kernelParameters) },
    ...growRootFiles,
  ];
}

/** What programs of the guest see while it is built: no service of a package is started. */
export const buildShadows: Readonly<Record<string, SandboxFile>> = {
  '/usr/sbin/policy-rc.d': { content: '#!/bin/sh\nexit 101\n', mode: 0o755 },
};

/** Run in the guest before anything of the template. */
export const prepareScript = `rm -f /etc/resolv.conf /etc/dpkg/dpkg.cfg.d/99mmdebstrap
systemctl --quiet enable systemd-networkd.service systemd-resolved.service
mkdir -p /etc/systemd/system/getty.target.wants
ln -sf /lib/systemd/system/serial-getty@.service /etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service
${growRootScript}`;

/** Files that {@link finishScript} finds beside it. */
export function finishFiles(sources: ChosenSources): Readonly<Record<string, SandboxFile>> {
  return { 'debian.sources': { content: deb822List(sources.image) } };
}

export interface FinishOptions {
  /** Files for this build only: the builder's mirror, repositories that are not to stay. */
  readonly remove: readonly string[];
  /** Files that the template itself brings. */
  readonly keep: readonly string[];
}

/**
 * Run in the guest after everything of the template: takes out what belongs to the builder or to one machine only. What the template itself
 * names in `<files>` is not touched.
 */
export function finishScript({ remove, keep }: FinishOptions): string {
  return `set -eu
stage=${stageInGuest}
${keptFunctions(keep)}drop ${remove.map(quoted).join(' ')}
if [ ! -e /etc/apt/sources.list.d/debian.sources ]; then
  cp "$stage/debian.sources" /etc/apt/sources.list.d/debian.sources
fi
if [ ! -e /etc/resolv.conf ] && [ ! -L /etc/resolv.conf ]; then
  ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
fi
drop /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/* /var/cache/apt/*.bin /var/cache/ldconfig/*
${perMachineScript()}`;
}
