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
  'credentials_refused',
  'timeout',
  'aborted',
  'internal',
] as const;

export type BuildErrorCode = (typeof buildErrorCodes)[number];

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

  /** Any thrown thing as a BuildError; unknown ones become `internal`, keeping the original as cause. */
  static from(error: unknown): BuildError {
    if (error instanceof BuildError) return error;
    const text = error instanceof Error ? error.message : String(error);
    const firstLine = text.split('\n', 1)[0] ?? '';
    return new BuildError('internal', firstLine === '' ? 'the plugin failed without a message' : firstLine, {
      cause: error,
    });
  }
}
