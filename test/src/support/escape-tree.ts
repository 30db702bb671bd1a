import type { Sandbox } from '@imagefactory/plugin-api';
import { copyPrograms } from './programs-in-tree.js';

/** Programs of this machine that the attempts need; a program that is missing would prove nothing. */
const programs = [
  ...[
    'sh',
    'bash',
    'perl',
    'cat',
    'ls',
    'dd',
    'echo',
    'sleep',
    'kill',
    'mkdir',
    'rm',
    'true',
    'stat',
    'id',
    'head',
    'chmod',
  ],
  ...[
    'mknod',
    'mount',
    'unshare',
    'nsenter',
    'setsid',
    'tar',
    'dpkg',
    'dpkg-deb',
    'dpkg-split',
    'dpkg-trigger',
    'diff',
    'mv',
  ],
  ...['ldconfig', 'start-stop-daemon', 'touch', 'chroot'],
];

/** A package whose preinst is an attempt: `/evil` in the tree holds the attempt, and a second build of it may differ. */
const evilControl = `Package: evil
Version: 1
Architecture: all
Maintainer: nobody <nobody@example.com>
Description: runs an attempt before it is installed
`;

/** Makes a tree of this machine's own programs with their libraries, so that a guest has all that the attempts need without a download. */
export async function makeEscapeTree(sandbox: Sandbox, name: string): Promise<string> {
  const tree = await sandbox.makeTree(name);
  const script = `set -eu
tree=${tree}
cd "$tree"
mkdir -p usr/bin usr/lib usr/lib64 usr/sbin tmp root proc sys dev run mnt etc var/lib/dpkg/info var/lib/dpkg/updates var/lib/dpkg/triggers
for name in bin sbin lib lib64; do ln -s "usr/$name" "$name"; done
chmod 1777 tmp
echo 'root:x:0:0::/root:/bin/sh' >etc/passwd
echo 'root:x:0:' >etc/group
: >var/lib/dpkg/status
${copyPrograms(programs)}mkdir -p package/DEBIAN
cat >package/DEBIAN/control <<'END'
${evilControl}END
printf '#!/bin/sh\\nexec /bin/sh /evil.sh\\n' >package/DEBIAN/preinst
chmod 755 package/DEBIAN/preinst
dpkg-deb --root-owner-group --build package evil.deb >/dev/null
rm -r package
`;
  await sandbox.tool('sh', ['-s'], { input: script, label: 'making the tree of the attempts' });
  return tree;
}
