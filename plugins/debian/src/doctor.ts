import { existsSync } from 'node:fs';
import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BuildLog,
  createToolRunner,
  type Diagnosis,
  type Requirement,
  whichTool,
} from '@imagefactory/plugin-api';
import { biosBootSector } from './disk/grub.js';
import { identityArguments, mountArguments, privilege } from './tree/sandbox.js';

/** Debian package of each tool that some step of a build runs. */
const packageOf: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  tar: 'tar',
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  depmod: 'kmod',
  modprobe: 'kmod',
  cpio: 'cpio',
  gzip: 'gzip',
  xz: 'xz-utils',
  mke2fs: 'e2fsprogs',
  sfdisk: 'fdisk',
  'grub-mkimage': 'grub-common',
  'mkfs.fat': 'dosfstools',
  mmd: 'mtools',
  mcopy: 'mtools',
  unshare: 'util-linux',
  newuidmap: 'uidmap',
};

const diskTools = ['mke2fs', 'sfdisk', 'grub-mkimage', 'mkfs.fat', 'mmd', 'mcopy', 'unshare'];

const grubPlatforms = [
  { need: 'GRUB for BIOS', file: biosBootSector, package: 'grub-pc-bin' },
  { need: 'GRUB for UEFI', file: '/usr/lib/grub/x86_64-efi/moddep.lst', package: 'grub-efi-amd64-bin' },
];

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** What the plugins of this package need: `tools` beside those for the disk, GRUB's parts, Debian's keys, and rights. */
export async function diagnose(tools: readonly string[]): Promise<Diagnosis> {
  const who = privilege();
  const idTools = who === 'root' ? [] : ['newuidmap'];
  const requirements = await Promise.all([...tools, ...diskTools, ...idTools].map(requireTool));
  const files = [
    ...grubPlatforms,
    { need: "the keys of Debian's archive", file: keyring, package: 'debian-archive-keyring' },
  ];
  for (const { need, file, package: name } of files) requirements.push(requireFile(need, file, name));
  requirements.push(await requireNamespaces());
  return { requirements };
}

async function requireTool(name: string): Promise<Requirement> {
  const path = await whichTool(name);
  if (path !== undefined) return { need: name, state: 'met', detail: path };
  return {
    need: name,
    state: 'missing',
    detail: `${name} is not installed`,
    remedy: install(packageOf[name] ?? name),
  };
}

function requireFile(need: string, file: string, name: string): Requirement {
  if (existsSync(file)) return { need, state: 'met', detail: file };
  return { need, state: 'missing', detail: `${file} does not exist`, remedy: install(name) };
}

function install(name: string): string {
  return `apt-get install --no-install-recommends ${name}`;
}

/** Makes the same namespaces as a build, for a moment: whether they are allowed depends on too much to be worked out. */
async function requireNamespaces(): Promise<Requirement> {
  const who = privilege();
  const need =
    who === 'root' ? 'rights: mount namespaces as root' : 'rights: user namespaces as an ordinary user';
  const scratch = await mkdtemp(join(tmpdir(), 'imagefactory-doctor-'));
  const run = createToolRunner({ log: silent, scratch, signal: AbortSignal.timeout(10_000) });
  const script = 'mount -t tmpfs none "$1" && : > "$1/file" && chown 1:1 "$1/file"';
  try {
    await run('unshare', [
      ...identityArguments(who),
      ...mountArguments,
      '--',
      'sh',
      '-c',
      script,
      'sh',
      scratch,
    ]);
    return {
      need,
      state: 'met',
      detail: who === 'root' ? 'root' : 'unshare --map-root-user --map-auto works',
    };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const remedy =
      who === 'root'
        ? 'run in a virtual machine, or in a container with CAP_SYS_ADMIN'
        : 'run as root; or install uidmap and util-linux 2.38 or newer, give the user 65536 ids with "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER", and allow unprivileged user namespaces';
    return { need, state: 'missing', detail, remedy };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const silent: BuildLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
