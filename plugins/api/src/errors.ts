import { type BuildErrorCode, buildErrorCodes } from './error-codes.js';
import { recogniseError } from './recognise.js';

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
    if (isBuildError(error)) return error;
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

const codes: ReadonlySet<unknown> = new Set(buildErrorCodes);

/**
 * Whether a thrown thing is a {@link BuildError}, by its name and code. Not by its class: a plugin may come with a second copy of this
 * package.
 */
export function isBuildError(error: unknown): error is BuildError {
  return error instanceof Error && error.name === 'BuildError' && 'code' in error && codes.has(error.code);
}
