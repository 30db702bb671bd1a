import type { BuildErrorCode } from './error-codes.js';

/** A cause of failure that was found in what a tool or the system said. */
export interface Recognised {
  readonly code: BuildErrorCode;
  /** What it means, as the end of a sentence. */
  readonly text: string;
}

type Pattern = readonly [RegExp, BuildErrorCode, (match: RegExpExecArray) => string];

/** What any tool prints. */
const diskPatterns: readonly Pattern[] = [
  [
    /No space left on device|Disk quota exceeded|(?:not|n't) have enough free space|\bENOSPC\b/i,
    'no_space',
    () => 'no space left on the disk',
  ],
];

/** What tools print that get things from elsewhere, from the telling to the vague. */
const patterns: readonly Pattern[] = [
  ...diskPatterns,
  [
    /(?:Version|Release) '([^']+)' for '([^']+)' was not found/,
    'package_not_found',
    ([, version, name]) => `no repository has a package named ${name ?? ''} in the version ${version ?? ''}`,
  ],
  [
    /(\S+) : (?:Pre-?)?Depends: (\S+).* but it is not installable/,
    'package_not_found',
    ([, by, name]) => `no repository has a package named ${name ?? ''}, which ${by ?? ''} needs`,
  ],
  [
    /find any package by (?:glob|regex|task) '([^']+)'|Unable to locate package (\S+)|Package '?(\S+?)'? has no installation candidate|No match for argument: (\S+)/,
    'package_not_found',
    ([, a, b, c, d]) => `no repository has a package named ${a ?? b ?? c ?? d ?? 'so'}`,
  ],
  [
    /Could not resolve (?:host:? )?'?([\w.-]+)|Temporary failure (?:in name resolution|resolving '?([\w.-]*))|unable to resolve host (?:address )?'?([\w.-]+)/i,
    'mirror_unreachable',
    ([, a, b, c]) => `the name of the server ${a ?? b ?? c ?? ''} could not be resolved`.replace('  ', ' '),
  ],
  [
    /Could not connect to ([\w.:-]+)|Failed to connect to ([\w.-]+)|Network is unreachable|No route to host|Connection (?:refused|timed out)/i,
    'mirror_unreachable',
    ([, a, b]) => `the server ${a ?? b ?? ''} could not be reached`.replace('  ', ' '),
  ],
  [
    /\b401\s+Unauthorized|\bAuthentication (?:failed|failure)|\binvalid (?:credentials|user ?name or password)|\bLogin incorrect/i,
    'credentials_refused',
    () => 'the credentials were refused',
  ],
];

/**
 * The first recognised cause in the lines that a tool has printed, the telling ones before the vague.
 *
 * @param fetches whether the tool gets packages or other things from elsewhere; of others only a full disk is recognised, as a word such as
 *   "Connection refused" may be about anything there
 */
export function recogniseLines(lines: readonly string[], fetches = true): Recognised | undefined {
  for (const [pattern, code, text] of fetches ? patterns : diskPatterns) {
    for (const line of lines) {
      const match = pattern.exec(line);
      if (match !== null) return { code, text: text(match) };
    }
  }
  return undefined;
}

const systemCodes: Readonly<Record<string, Recognised>> = {
  ENOSPC: { code: 'no_space', text: 'no space left on the disk' },
  EDQUOT: { code: 'no_space', text: 'the disk quota is used up' },
  EACCES: { code: 'not_permitted', text: 'the agent has not the right to do that' },
  EPERM: { code: 'not_permitted', text: 'the agent has not the right to do that' },
  EROFS: { code: 'not_permitted', text: 'the file system is read-only' },
  ENOTFOUND: { code: 'mirror_unreachable', text: 'the name of a server could not be resolved' },
  EAI_AGAIN: { code: 'mirror_unreachable', text: 'the name of a server could not be resolved for now' },
  ECONNREFUSED: { code: 'mirror_unreachable', text: 'a server refused the connection' },
  ECONNRESET: { code: 'mirror_unreachable', text: 'a server dropped the connection' },
  ETIMEDOUT: { code: 'mirror_unreachable', text: 'a server does not answer' },
  EHOSTUNREACH: { code: 'mirror_unreachable', text: 'a server cannot be reached' },
  ENETUNREACH: { code: 'mirror_unreachable', text: 'the network of a server cannot be reached' },
};

/** What an error of the system means, or the first of its causes that is one. */
export function recogniseError(error: unknown): Recognised | undefined {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    if ('code' in current && typeof current.code === 'string') {
      const known = Object.hasOwn(systemCodes, current.code) ? systemCodes[current.code] : undefined;
      if (known !== undefined) return known;
    }
    current = current.cause;
  }
  return undefined;
}
