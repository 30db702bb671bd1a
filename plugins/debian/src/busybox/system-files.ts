/** The few files of a busybox system, by path. Directories in {@link emptyDirectories} are made as well. */
export const systemFiles: Readonly<Record<string, { readonly content: string; readonly mode: number }>> = {
  'etc/inittab': {
    mode: 0o644,
    content: `::sysinit:/etc/init.d/rcS
ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100
tty1::respawn:/sbin/getty 38400 tty1
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/umount -a -r
`,
  },
  'etc/init.d/rcS': {
    mode: 0o755,
    content: `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=0755 run /run
hostname -F /etc/hostname
ifconfig lo up
if [ -e /sys/class/net/eth0 ]; then
  udhcpc -b -q -i eth0 -s /etc/udhcpc.script > /dev/null 2>&1 &
fi
for script in /etc/init.d/S*; do
  if [ -f "$script" ]; then sh "$script"; fi
done
`,
  },
  'etc/udhcpc.script': {
    mode: 0o755,
    content: `#!/bin/sh
case "$1" in
  deconfig) ifconfig "$interface" 0.0.0.0 up ;;
  bound|renew)
    ifconfig "$interface" "$ip" netmask "$subnet"
    for gateway in $router; do route add default gw "$gateway" dev "$interface"; done
    : > /etc/resolv.conf
    for server in $dns; do echo "nameserver $server" >> /etc/resolv.conf; done
    ;;
esac
`,
  },
  'etc/fstab': { mode: 0o644, content: 'LABEL=root / ext4 defaults 0 1\n' },
  'etc/hostname': { mode: 0o644, content: 'localhost\n' },
  'etc/hosts': { mode: 0o644, content: '127.0.0.1 localhost\n::1 localhost\n' },
  'etc/passwd': { mode: 0o644, content: 'root:x:0:0:root:/root:/bin/sh\n' },
  'etc/group': { mode: 0o644, content: 'root:x:0:\ntty:x:5:\n' },
  'etc/shadow': { mode: 0o600, content: 'root:*:19000:0:99999:7:::\n' },
};

export const emptyDirectories: readonly string[] = [
  ...['bin', 'sbin', 'usr', 'usr/bin', 'usr/sbin', 'dev', 'proc', 'sys', 'run', 'boot', 'var', 'etc'],
];

/** First process of the initial RAM disk: load the drivers, find the root file system by its label, go on from there. */
export const initScript = `#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done < /modules/order
tries=0
until device=$(findfs LABEL=root) || [ "$tries" -ge 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
mount -t ext4 "$device" /newroot
mount -o move /dev /newroot/dev
umount /sys /proc
exec switch_root /newroot /sbin/init
`;

/** Names under which {@link initScript} calls busybox. */
export const initCommands: readonly string[] = [
  'sh',
  'mount',
  'umount',
  'insmod',
  'findfs',
  'sleep',
  'switch_root',
];

/** Drivers that the initial RAM disk loads if the kernel has them as modules: the usual disks of virtual machines, and a network card. */
export const modules: readonly string[] = [
  ...['virtio_pci', 'virtio_blk', 'virtio_scsi', 'sd_mod', 'ata_piix', 'nvme', 'ext4'],
  ...['virtio_net', 'af_packet'],
];
