import { type ChosenSources, deb822List } from '../apt/choose-sources.js';
import { grubConfiguration, rootLabel } from '../disk/grub.js';
import type { GuestFile } from '../tree/guest-files.js';
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
    { path: policyFile, content: '#!/bin/sh\nexit 101\n', mode: 0o755 },
  ];
}

/** Keeps the guest's packages from starting their services on the builder. */
const policyFile = '/usr/sbin/policy-rc.d';

/** Run in the guest before anything of the template; the builder's resolv.conf lies beside it. */
export const prepareScript = `set -eu
rm -f /etc/resolv.conf /etc/dpkg/dpkg.cfg.d/99mmdebstrap
cp /run/imagefactory/resolv.conf /etc/resolv.conf
systemctl --quiet enable systemd-networkd.service systemd-resolved.service
mkdir -p /etc/systemd/system/getty.target.wants
ln -sf /lib/systemd/system/serial-getty@.service /etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service
${growRootScript}`;

/** Files that {@link finishScript} finds beside it. */
export function finishFiles(sources: ChosenSources): ReadonlyMap<string, string> {
  return new Map([['debian.sources', deb822List(sources.image)]]);
}

export interface FinishOptions {
  /** Files for this build only: the builder's mirror, repositories that are not to stay. */
  readonly remove: readonly string[];
  /** Files that the template itself brings. */
  readonly keep: readonly string[];
}

/**
 * Run in the guest after everything of the template: takes out what belongs to the builder or to one machine only. The
 * builder's resolv.conf is replaced unless the template has put another one in its place.
 */
export function finishScript({ remove, keep }: FinishOptions): string {
  return `set -eu
stage=/run/imagefactory
rm -f ${[policyFile, ...remove].map(quoted).join(' ')}
if [ ! -e /etc/apt/sources.list.d/debian.sources ]; then
  cp "$stage/debian.sources" /etc/apt/sources.list.d/debian.sources
fi
if cmp -s "$stage/resolv.conf" /etc/resolv.conf; then
  ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
fi
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/*
${perMachineScript(keep)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
