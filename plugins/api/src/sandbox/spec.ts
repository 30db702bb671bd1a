import { resourceLimits, type SandboxLimits } from './limits.js';
import { type SeccompProfile, seccompProfile } from './seccomp.js';
import type { IdBlock } from './id-ranges.js';

/** Something of the builder that a container sees. */
export interface ContainerMount {
  /** Absolute path in the container. */
  readonly target: string;
  /** Absolute path at the place where the runtime runs. */
  readonly source: string;
  readonly writable: boolean;
  /** Whether what is mounted below comes along. */
  readonly recursive?: boolean;
}

export interface ContainerOptions {
  /** Absolute path of the root directory, at the place where the runtime runs. */
  readonly root: string;
  /** Ids outside of which the container's own begin. */
  readonly ids: IdBlock;
  readonly hostname: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly mounts: readonly ContainerMount[];
  /** Whether it has an empty `/tmp` of its own. */
  readonly temporary: boolean;
  readonly limits: SandboxLimits;
  /** Path of the control group; absent where there is none. */
  readonly cgroup?: string;
  /** Program that the runtime calls when the namespaces are there. */
  readonly hook?: string;
}

/** What package managers need, and no more: changing owners and modes, and becoming another user. */
const capabilities = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID'],
  ...['CAP_SETPCAP', 'CAP_SETFCAP', 'CAP_SYS_CHROOT'],
];

const hidden = [
  ...['/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list'],
  ...['/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/proc/interrupts', '/sys/firmware'],
  ...['/sys/devices/virtual/powercap', '/sys/fs/selinux', '/sys/kernel/debug', '/sys/kernel/security'],
];

const readOnly = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const tmpfs = (destination: string, ...options: readonly string[]) => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['nosuid', 'nodev', ...options],
});

/** Room for small files of programs in their own `/dev`, `/dev/shm` and `/run`. */
const small = 'size=65536k';

const systemMounts = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', small],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  tmpfs('/dev/shm', 'noexec', 'mode=1777', small),
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  tmpfs('/run', 'mode=755', small),
  tmpfs('/run/lock', 'mode=1777', 'size=5120k'),
];

/** `config.json` of a container (OCI runtime specification 1.0.2): see SECURITY.md for what each part keeps apart. */
export function containerConfig(options: ContainerOptions): object {
  const { root, ids, hostname, args, env, cwd, mounts, temporary, limits, cgroup, hook } = options;
  const ranges = (first: number) => [{ containerID: 0, hostID: first, size: 65_536 }];
  const seccomp: SeccompProfile = seccompProfile();
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0, umask: 0o022 },
      args,
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      cwd,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: resourceLimits(limits, cgroup === undefined),
      noNewPrivileges: true,
    },
    root: { path: root, readonly: false },
    hostname,
    mounts: [
      ...systemMounts,
      ...(temporary ? [tmpfs('/tmp', 'mode=1777', 'size=1g')] : []),
      ...mounts.map(bindMount),
    ],
    ...(hook === undefined ? {} : { hooks: { createRuntime: [{ path: hook }] } }),
    linux: {
      namespaces: ['user', 'pid', 'ipc', 'uts', 'mount', 'network', 'cgroup'].map(type => ({ type })),
      uidMappings: ranges(ids.uid),
      gidMappings: ranges(ids.gid),
      maskedPaths: hidden,
      readonlyPaths: readOnly,
      rootfsPropagation: 'private',
      seccomp,
      ...(cgroup === undefined
        ? {}
        : {
            cgroupsPath: cgroup,
            resources: {
              devices: [{ allow: false, access: 'rwm' }],
              pids: { limit: limits.processes },
              memory: { limit: limits.memory, swap: limits.memory },
            },
          }),
    },
  };
}

function bindMount({ target, source, writable, recursive = false }: ContainerMount): object {
  const options = [recursive ? 'rbind' : 'bind', 'nosuid', 'nodev', writable ? 'rw' : 'ro', 'private'];
  return { destination: target, type: 'none', source, options };
}

/** A host name of a template's name: letters, digits and hyphens, as a name in DNS has them. */
export function hostnameOf(name: string): string {
  const text = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, '');
  return text === '' ? 'image' : text;
}
