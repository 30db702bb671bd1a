import { recogniseError } from './recognise.js';

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

/**
 * A failure whose message is one readable line without secrets, fit for a user interface. The full story goes into `cause`
 * and into the build's log.
 */
export class BuildError extends Error {
  override readonly name = 'BuildError';
  constructor(
    readonly code: BuildErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /**
   * Any thrown thing as a BuildError, keeping the original as cause. What the system says (a full disk, a server that does not answer)
   * gets its code; the rest becomes `internal`.
   */
  static from(error: unknown): BuildError {
    if (error instanceof BuildError) return error;
    const text = error instanceof Error ? error.message : String(error);
    const firstLine = text.split('\n', 1)[0] ?? '';
    const recognised = recogniseError(error);
    if (recognised !== undefined) {
      return new BuildError(recognised.code, `${recognised.text} (${firstLine})`, { cause: error });
    }
    return new BuildError('internal', firstLine === '' ? 'the plugin failed without a message' : firstLine, {
      cause: error,
    });
  }
}
