import type { MirrorPackage } from './package-mirror.js';
import { copyPrograms } from './programs-in-tree.js';

/** What apt, dpkg and the scripts of a build call. */
const programs = [
  ...[
    'sh',
    'bash',
    'perl',
    'apt-get',
    'apt-key',
    'apt-config',
    'dpkg',
    'dpkg-deb',
    'dpkg-query',
    'dpkg-split',
  ],
  ...['dpkg-trigger', 'start-stop-daemon', 'ldconfig', 'tar', 'diff', 'gpgv', 'chpasswd', 'readlink', 'env'],
  ...[
    'cat',
    'chmod',
    'chown',
    'cmp',
    'cp',
    'cut',
    'date',
    'dirname',
    'echo',
    'false',
    'find',
    'grep',
    'head',
    'id',
  ],
  ...[
    'ln',
    'ls',
    'mkdir',
    'mknod',
    'mktemp',
    'mount',
    'mv',
    'nsenter',
    'rm',
    'sed',
    'sleep',
    'sort',
    'stat',
    'tail',
  ],
  ...['touch', 'tr', 'true', 'unshare', 'umount', 'xargs', 'basename', 'awk'],
  ...['http', 'gpgv', 'store', 'file', 'copy'].map(name => `/usr/lib/apt/methods/${name}`),
  ...['cputable', 'ostable', 'tupletable'].map(name => `/usr/share/dpkg/${name}`),
];

const directories = [
  ...[
    'usr/bin',
    'usr/lib',
    'usr/lib64',
    'usr/sbin',
    'tmp',
    'var/tmp',
    'root',
    'proc',
    'sys',
    'dev',
    'run',
    'mnt',
  ],
  ...[
    'boot/grub',
    'etc/apt/apt.conf.d',
    'etc/apt/preferences.d',
    'etc/apt/sources.list.d',
    'etc/apt/trusted.gpg.d',
  ],
  ...[
    'etc/dpkg/dpkg.cfg.d',
    'etc/systemd/system',
    'var/lib/dpkg/info',
    'var/lib/dpkg/updates',
    'var/lib/dpkg/triggers',
  ],
  ...['var/lib/apt/lists/partial', 'var/cache/apt/archives/partial', 'var/log/apt'],
];

/** An essential package with a system of this machine's own programs, that is able to install packages. */
export const smallSystem: MirrorPackage = {
  name: 'small-system',
  control: ['Essential: yes', 'Priority: required'],
  files: `mkdir -p ${directories.join(' ')}
for name in bin sbin lib lib64; do ln -s "usr/$name" "$name"; done
chmod 1777 tmp var/tmp
printf 'root:x:0:0::/root:/bin/sh\\n_apt:x:42:65534::/nonexistent:/bin/false\\n' >etc/passwd
printf 'root:*:19000:0:99999:7:::\\n' >etc/shadow
printf 'root:x:0:\\nnogroup:x:65534:\\n' >etc/group
cp "$keys/mirror.gpg" etc/apt/trusted.gpg.d/
: >boot/vmlinuz-1 && ln -s boot/vmlinuz-1 vmlinuz
${copyPrograms(programs)}
printf '#!/bin/sh\\nexit 0\\n' >usr/bin/systemctl
chmod 755 usr/bin/systemctl
`,
};

/** Empty packages of the names that an image of Debian 12 gets, and of one that is required without being essential. */
export const emptyPackages: readonly MirrorPackage[] = [
  ...[
    'apt',
    'linux-image-cloud-amd64',
    'systemd-sysv',
    'udev',
    'dbus',
    'iproute2',
    'fdisk',
    'systemd-resolved',
  ],
  'in-the-template',
]
  .map((name): MirrorPackage => ({ name }))
  .concat({ name: 'required-one', control: ['Priority: required'] });
