import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { guestEnvironment, type Sandboxes, stageInGuest, type ToolRunner } from '@imagefactory/plugin-api';

/**
 * What builds would be without a sandbox, for controls: tools run as they are, and guests as root with the tree as their root directory. Only for
 * trees of this machine's own programs.
 */
export function plainSandboxes(run: ToolRunner, directory: string): Sandboxes {
  const enter =
    'mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && tree=$1 && shift && exec chroot "$tree" "$@"';
  return {
    commandNetwork: 'none',
    open: () =>
      Promise.resolve({
        async makeTree(name) {
          const tree = join(directory, name);
          await mkdir(tree);
          await chmod(tree, 0o755);
          return tree;
        },
        removeTree: name => rm(join(directory, name), { recursive: true }),
        async guest(tree, file, args, { stage = {}, env, label, input } = {}) {
          const place = join(tree, stageInGuest);
          await mkdir(place, { recursive: true });
          for (const [name, { content, mode = 0o644 }] of Object.entries(stage))
            await writeFile(join(place, name), content, { mode });
          const spaces = ['--mount', '--propagation', 'private'];
          return await run('unshare', [...spaces, 'sh', '-c', enter, 'sh', tree, file, ...args], {
            env: { ...guestEnvironment, ...env },
            ...(label === undefined ? {} : { label }),
            ...(input === undefined ? {} : { input }),
          });
        },
        tool: (file, args, { env, label } = {}) =>
          run(file, args, {
            ...(env === undefined ? {} : { env }),
            ...(label === undefined ? {} : { label }),
          }),
        dispose: () => Promise.resolve(),
      }),
  };
}
