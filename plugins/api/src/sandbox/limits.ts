import { readFileSync } from 'node:fs';
import { BuildError } from '../errors.js';

/** What the programs of one sandbox may take. */
export interface SandboxLimits {
  /** Processes and threads at the same time. */
  readonly processes: number;
  /** Open files of one process. */
  readonly openFiles: number;
  /** Bytes of one file. */
  readonly fileSize: number;
  /** Bytes of memory: of all processes together where the machine has control groups, else of each. */
  readonly memory: number;
  /** Bytes of all files of the sandbox. */
  readonly bytes: number;
  /** Number of all files of the sandbox. */
  readonly files: number;
}

export type LimitName = keyof SandboxLimits;

const gibibyte = 1024 ** 3;

export const defaultLimits: SandboxLimits = {
  processes: 4096,
  openFiles: 16_384,
  fileSize: 16 * gibibyte,
  memory: 4 * gibibyte,
  bytes: 20 * gibibyte,
  files: 2_000_000,
};

const words: Readonly<Record<LimitName, (value: number) => string>> = {
  processes: value => `more than ${value} processes`,
  openFiles: value => `more than ${value} open files in one process`,
  fileSize: value => `a file of more than ${mebibytes(value)}`,
  memory: value => `more than ${mebibytes(value)} of memory`,
  bytes: value => `more than ${mebibytes(value)} of files`,
  files: value => `more than ${value} files`,
};

/** The failure of a build whose guest has reached a limit. The message names limit and remedy. */
export function limitExceeded(
  name: LimitName,
  limits: SandboxLimits,
  label: string,
  cause?: BuildError,
): BuildError {
  return new BuildError(
    'limit_exceeded',
    `${label} wanted ${words[name](limits[name])}; the limit is --build-limit ${name}=${limits[name]}`,
    { cause },
  );
}

/** Text of programs that have reached a limit of the kernel which ends no process by itself. */
const reports: readonly (readonly [LimitName, RegExp])[] = [
  ['openFiles', /Too many open files/],
  ['fileSize', /File size limit exceeded|File too large/],
  ['processes', /fork: (?:retry: )?Resource temporarily unavailable|can't fork|Cannot fork/],
  ['memory', /Cannot allocate memory|[Oo]ut of memory|virtual memory exhausted/],
];

/** Exit status of a shell whose program was ended by SIGXFSZ. */
const fileSizeStatus = 128 + 25;

/** The limit that made a program fail, by its exit status and last lines. */
export function limitInFailure(status: number | undefined, lines: readonly string[]): LimitName | undefined {
  if (status === fileSizeStatus) return 'fileSize';
  return reports.find(([, pattern]) => lines.some(line => pattern.test(line)))?.[0];
}

/**
 * `rlimits` of the container's process. A process without the right to raise a limit stays below its own.
 *
 * @param alone whether no control group limits processes and memory
 */
export function resourceLimits(
  limits: SandboxLimits,
  alone: boolean,
  own = ownLimits(),
): readonly { readonly type: string; readonly hard: number; readonly soft: number }[] {
  const limit = (type: string, key: string, value: number) => {
    const most = Math.min(value, own.get(key) ?? Number.POSITIVE_INFINITY);
    return { type, hard: most, soft: most };
  };
  return [
    limit('RLIMIT_NOFILE', 'Max open files', limits.openFiles),
    limit('RLIMIT_FSIZE', 'Max file size', limits.fileSize),
    { type: 'RLIMIT_CORE', hard: 0, soft: 0 },
    ...(alone
      ? [
          limit('RLIMIT_NPROC', 'Max processes', limits.processes),
          limit('RLIMIT_DATA', 'Max data size', limits.memory),
        ]
      : []),
  ];
}

/** Hard limits of this process; those without a bound are left out. */
function ownLimits(): ReadonlyMap<string, number> {
  const text = readFileSync('/proc/self/limits', 'utf8');
  const found = new Map<string, number>();
  for (const [, name = '', hard = ''] of text.matchAll(/^(Max .*?)\s{2,}\S+\s+(\d+)/gm)) {
    found.set(name, Number(hard));
  }
  return found;
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MiB`;
}
