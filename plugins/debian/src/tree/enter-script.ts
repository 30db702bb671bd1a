/**
 * Runs a program inside a tree. Usage: `enter.sh TREE STAGE PROGRAM ARG…`, in a mount and PID namespace of its own, as its first
 * process: what the program leaves running ends with it, and no mount has to be undone.
 *
 * The guest gets a `/dev` with the harmless nodes only, so that no command of a template reaches the builder's disks by accident.
 */
export const enterScript = `#!/bin/sh
set -eu
tree=$1
stage=$2
shift 2
mount -t proc proc "$tree/proc"
mount -t tmpfs -o mode=0755 dev "$tree/dev"
for node in null zero full random urandom tty; do
  : > "$tree/dev/$node"
  mount --bind "/dev/$node" "$tree/dev/$node"
done
mkdir "$tree/dev/pts" "$tree/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$tree/dev/pts"
mount -t tmpfs -o mode=1777 shm "$tree/dev/shm"
ln -s pts/ptmx "$tree/dev/ptmx"
ln -s /proc/self/fd "$tree/dev/fd"
ln -s /proc/self/fd/0 "$tree/dev/stdin"
ln -s /proc/self/fd/1 "$tree/dev/stdout"
ln -s /proc/self/fd/2 "$tree/dev/stderr"
mount -t tmpfs -o mode=0755 run "$tree/run"
mkdir "$tree/run/lock" "$tree/run/imagefactory"
chmod 1777 "$tree/run/lock"
mount --bind "$stage" "$tree/run/imagefactory"
status=0
chroot "$tree" "$@" || status=$?
exit "$status"
`;
