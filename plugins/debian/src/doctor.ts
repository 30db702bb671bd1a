import { existsSync } from 'node:fs';
import {
  type Diagnosis,
  type Requirement,
  sandboxRequirements,
  type SandboxSettings,
  whichTool,
} from '@imagefactory/plugin-api';
import { biosBootSector } from './disk/grub.js';

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
};

const diskTools = ['mke2fs', 'sfdisk', 'grub-mkimage', 'mkfs.fat', 'mmd', 'mcopy'];

const grubPlatforms = [
  { need: 'GRUB for BIOS', file: biosBootSector, package: 'grub-pc-bin' },
  { need: 'GRUB for UEFI', file: '/usr/lib/grub/x86_64-efi/moddep.lst', package: 'grub-efi-amd64-bin' },
];

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** What the plugins of this package need: `tools` beside those for the disk, GRUB's parts, Debian's keys, and a sandbox. */
export async function diagnose(tools: readonly string[], sandbox?: SandboxSettings): Promise<Diagnosis> {
  const requirements = await Promise.all([...tools, ...diskTools].map(requireTool));
  const files = [
    ...grubPlatforms,
    { need: "the keys of Debian's archive", file: keyring, package: 'debian-archive-keyring' },
  ];
  for (const { need, file, package: name } of files) requirements.push(requireFile(need, file, name));
  requirements.push(...(await sandboxRequirements(sandbox)));
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
