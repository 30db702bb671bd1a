import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildError } from '@imagefactory/plugin-api';
import { type Sandbox, stageInGuest } from './sandbox.js';

export interface GuestFile {
  /** Absolute path in the guest. */
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Default 0o644; an existing file keeps its own. */
  readonly mode?: number;
}

/**
 * Writes files into a tree from within it, so that a symbolic link in the tree can only lead to the tree and never to the
 * builder's own files. Missing directories are made; the files belong to root.
 */
export async function writeGuestFiles(
  sandbox: Sandbox,
  tree: string,
  files: readonly GuestFile[],
): Promise<void> {
  if (files.length === 0) return;
  const stage = await sandbox.freshStage();
  const list: string[] = [];
  for (const [index, file] of files.entries()) {
    checkPath(file.path);
    await writeFile(join(stage, String(index)), file.content);
    list.push(`put ${index} ${(file.mode ?? 0o644).toString(8)} ${quoted(file.path)}`);
  }
  await writeFile(join(stage, 'put.sh'), `${putFunction}${list.join('\n')}\n`);
  await sandbox.guest(tree, '/bin/sh', [`${stageInGuest}/put.sh`], {
    stage,
    label: 'writing files into the image',
  });
}

const putFunction = `set -eu
put() {
  mkdir -p "$(dirname "$3")"
  if [ ! -e "$3" ]; then
    : > "$3"
    chmod "$2" "$3"
  fi
  cat "${stageInGuest}/$1" > "$3"
}
`;

/** Runs a script in the guest: with the interpreter that its first line names, else with /bin/sh. */
export async function runGuestScript(
  sandbox: Sandbox,
  tree: string,
  label: string,
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const stage = await sandbox.freshStage();
  const path = join(stage, 'script');
  await writeFile(path, script.startsWith('#!') ? script : `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o700);
  await sandbox.guest(tree, `${stageInGuest}/script`, [], { stage, label, env });
}

function checkPath(path: string): void {
  const wrong =
    !path.startsWith('/') || path.endsWith('/') || path.includes('\0') || path.split('/').includes('..');
  if (wrong) {
    throw new BuildError(
      'template_invalid',
      `/template/files: ${JSON.stringify(path)} is not the absolute path of a file`,
    );
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
