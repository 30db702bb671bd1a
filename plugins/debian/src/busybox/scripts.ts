import { quoted } from '../tree/guest-files.js';
import { initCommands, modules } from './system-files.js';

/**
 * Shell text that unpacks the packages in `debs`, makes the initial RAM disk, and puts busybox, kernel and RAM disk into `tree`. To be run in
 * the sandbox's directory `work`, for it reads what packages bring.
 *
 * @param kernel version of the kernel
 */
export function assembleScript(work: string, tree: string, kernel: string): string {
  return `set -eu
umask 022
cd ${quoted(work)}
for deb in debs/*.deb; do dpkg-deb -x "$deb" unpacked; done
ram=${quoted(work)}/initrd
mkdir -p "$ram/bin" "$ram/dev" "$ram/proc" "$ram/sys" "$ram/newroot" "$ram/modules"
cp unpacked/bin/busybox "$ram/bin/busybox"
for name in ${initCommands.join(' ')}; do ln -s busybox "$ram/bin/$name"; done
cp ${quoted(tree)}/init "$ram/init"
rm ${quoted(tree)}/init
chmod 755 "$ram/init"
depmod -b unpacked ${quoted(kernel)}
modprobe -d unpacked -S ${quoted(kernel)} --show-depends --all ${modules.join(' ')} |
  sed -n 's/^insmod \\([^ ]*\\).*/\\1/p' | awk '!seen[$0]++' |
  while read -r path; do
    name=$(basename "$path")
    cp "$path" "$ram/modules/$name"
    case "$name" in *.xz) xz -d "$ram/modules/$name" ;; esac
    echo "\${name%.xz}"
  done >modules
mv modules "$ram/modules/order"
(cd "$ram" && find . -print | LC_ALL=C sort | cpio --create --quiet --format=newc --owner=0:0) | gzip -n -1 >initrd.img
cp unpacked/bin/busybox ${quoted(tree)}/bin/busybox
cp ${quoted(`unpacked/boot/vmlinuz-${kernel}`)} ${quoted(tree)}/boot/vmlinuz
cp initrd.img ${quoted(tree)}/boot/initrd.img
ln -s boot/vmlinuz ${quoted(tree)}/vmlinuz
ln -s boot/initrd.img ${quoted(tree)}/initrd.img
`;
}
