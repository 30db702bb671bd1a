/** An OCI runtime of this machine, and how it is called. */
export interface Runtime {
  readonly name: 'runc' | 'crun';
  readonly path: string;
  /** Arguments before `run`. */
  readonly arguments: readonly string[];
  /** Arguments of `run`. */
  readonly runArguments: readonly string[];
  /** Whether it puts containers into control groups. */
  readonly cgroups: boolean;
}

/** Warnings belong into no build's log; what makes runc fail comes on standard error in any case. */
const quiet = ['--log', '/dev/null'];

/** Ways to call the runtimes that are here, the best first. Which of them works is found out by trying. */
export function possibleRuntimes(
  paths: { readonly runc: string | undefined; readonly crun: string | undefined },
  root: boolean,
): readonly Runtime[] {
  const { runc, crun } = paths;
  const all: Runtime[] = [];
  if (runc !== undefined && root) {
    all.push({ name: 'runc', path: runc, arguments: quiet, runArguments: ['--keep'], cgroups: true });
    all.push({
      name: 'runc',
      path: runc,
      arguments: [...quiet, '--rootless=true'],
      runArguments: ['--keep'],
      cgroups: false,
    });
  }
  if (runc !== undefined && !root) {
    all.push({ name: 'runc', path: runc, arguments: quiet, runArguments: ['--keep'], cgroups: false });
  }
  if (crun !== undefined && root)
    all.push({ name: 'crun', path: crun, arguments: [], runArguments: [], cgroups: true });
  if (crun !== undefined) {
    all.push({
      name: 'crun',
      path: crun,
      arguments: ['--cgroup-manager=disabled'],
      runArguments: [],
      cgroups: false,
    });
  }
  return all;
}
