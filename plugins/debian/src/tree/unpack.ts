import type { Sandbox } from '@imagefactory/plugin-api';

/** Unpacks an archive into a tree. Device nodes are left out: a user namespace can make none, and the kernel fills `/dev` at boot. */
export async function unpack(sandbox: Sandbox, archive: string, tree: string): Promise<void> {
  const attributes = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--exclude=./dev/*'];
  await sandbox.tool('tar', ['-C', tree, '-xpf', '-', ...attributes], { inputFile: archive });
}
