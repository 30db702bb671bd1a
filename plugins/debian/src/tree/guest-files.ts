import {
  BuildError,
  type GuestOptions,
  type Sandbox,
  type SandboxFile,
  stageInGuest,
} from '@imagefactory/plugin-api';

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
 *
 * @param then shell text that is run after that; `stage` has what it needs
 */
export async function writeGuestFiles(
  sandbox: Sandbox,
  tree: string,
  files: readonly GuestFile[],
  then: {
    readonly label: string;
    readonly script: string;
    readonly stage: Readonly<Record<string, SandboxFile>>;
  } = {
    label: 'writing files into the image',
    script: '',
    stage: {},
  },
): Promise<void> {
  if (files.length === 0 && then.script === '') return;
  const stage: Record<string, SandboxFile> = { ...then.stage };
  const list: string[] = [];
  for (const [index, { path, content, mode = 0o644 }] of files.entries()) {
    checkPath(path);
    stage[String(index)] = { content };
    list.push(`put ${index} ${mode.toString(8)} ${quoted(path)}\n`);
  }
  stage['run.sh'] = { content: `${putFunction}${list.join('')}${then.script}` };
  await sandbox.guest(tree, '/bin/sh', [`${stageInGuest}/run.sh`], { stage, label: then.label });
}

/**
 * A link of the image that leads to a file system which is made anew at each boot gives way to the file; in a directory behind such a link no
 * file would last.
 */
const putFunction = `set -eu
is_volatile() {
  case $1/ in
    /run/*|/dev/*|/proc/*|/sys/*) return 0 ;;
    *) return 1 ;;
  esac
}
put() {
  if [ -L "$3" ] && is_volatile "$(readlink -f -- "$3" || echo /run)"; then rm -f -- "$3"; fi
  mkdir -p -- "$(dirname -- "$3")"
  real=$(cd -P -- "$(dirname -- "$3")" && pwd -P)
  if is_volatile "$real"; then
    echo "$3 leads to $real, which is made anew at each boot, so no image can hold it" >&2
    exit 1
  fi
  if [ ! -e "$3" ]; then
    : > "$3"
    chmod "$2" "$3"
  fi
  cat "${stageInGuest}/$1" > "$3"
}
`;

/**
 * Runs a script in the guest, in a login shell of root: bash where the guest has it, else its `sh`. One whose first line names an interpreter is
 * run by that; white space before it is left out.
 */
export async function runGuestScript(
  sandbox: Sandbox,
  tree: string,
  label: string,
  script: string,
  options: Pick<GuestOptions, 'env' | 'network' | 'shadows'> = {},
): Promise<void> {
  const text = script.replace(/^\s+(?=#!)/, '');
  const own = text.startsWith('#!');
  const stage = {
    script: { content: own ? text : `${text}\n`, mode: 0o755 },
    'run.sh': { content: own ? byItself : inShell },
  };
  await sandbox.guest(tree, '/bin/sh', [`${stageInGuest}/run.sh`], { ...options, stage, label });
}

const home = 'cd "$HOME" 2>/dev/null || cd /\n';
const byItself = `${home}exec ${stageInGuest}/script\n`;
const inShell = `${home}if [ -x /bin/bash ]; then exec /bin/bash --login ${stageInGuest}/script; fi
exec /bin/sh ${stageInGuest}/script
`;

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

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
