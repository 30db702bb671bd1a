import type { GuestFile } from '../tree/guest-files.js';

const script = '/usr/local/sbin/grow-root';
const serviceName = 'grow-root.service';

/** Packages that {@link growRootFiles} need beside those that every system has. */
export const growRootPackages: readonly string[] = ['fdisk'];

/**
 * What makes the root file system as large as the disk at each boot, with the image's own means: the partition by sfdisk(8), which also moves the
 * second partition table to the disk's new end, and the file system by resize2fs(8). Without room behind the partition nothing changes.
 */
export const growRootFiles: readonly GuestFile[] = [
  {
    path: script,
    mode: 0o755,
    content: `#!/bin/sh
# Gives the root file system all the room that is behind it on its disk.
set -eu
root=$(readlink -f "$(findmnt -n -o SOURCE /)")
name=\${root#/dev/}
number=$(cat "/sys/class/block/$name/partition")
disk=$(basename "$(dirname "$(readlink -f "/sys/class/block/$name")")")
start=$(cat "/sys/class/block/$name/start")
size=$(cat "/sys/class/block/$name/size")
# In sectors of 512 bytes; the second partition table takes less than a mebibyte.
if [ $(($(cat "/sys/class/block/$disk/size") - start - size)) -gt 4096 ]; then
  echo ', +' | sfdisk --quiet --force --no-reread --no-tell-kernel -N "$number" "/dev/$disk"
  partx --update --nr "$number" "/dev/$disk"
fi
resize2fs "$root"
`,
  },
  {
    path: `/etc/systemd/system/${serviceName}`,
    content: `[Unit]
Description=Make the root file system as large as its disk
DefaultDependencies=no
After=systemd-remount-fs.service systemd-udevd.service
Before=local-fs.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
ExecStart=-${script}

[Install]
WantedBy=local-fs.target
`,
  },
];

/** For the guest's shell, once the files are there; a template's command may disable the service again. */
export const growRootScript = `systemctl --quiet enable ${serviceName}\n`;
