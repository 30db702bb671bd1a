/** Causes of a failed build that callers can act on; each has an entry in `docs/errors.md`. */
export const buildErrorCodes = [
  'template_invalid',
  'template_unavailable',
  'target_unsupported',
  'os_unsupported',
  'tool_missing',
  'tool_failed',
  'not_permitted',
  'no_space',
  'limit_exceeded',
  'network_off',
  'disk_size',
  'mirror_unreachable',
  'package_not_found',
  'credentials_refused',
  'warehouse_unavailable',
  'timeout',
  'aborted',
  'agent_restarted',
  'internal',
] as const;

export type BuildErrorCode = (typeof buildErrorCodes)[number];

/** The word for a code in a `BuildFailedEvent`: `no_space` is of the type `NoSpace`. */
export function failureType(code: BuildErrorCode): string {
  return code.replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
