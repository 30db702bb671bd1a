/** Input that cannot be used: a file, a text, a value. Its message names the source, the place and the remedy, and quotes nothing of it. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly code = 'invalid_argument';

  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options);
  }
}

/** Recognised by its code, so that the error of a second copy of this package counts too. */
export function isInputError(error: unknown): error is InputError {
  return error instanceof Error && error.name === 'InputError';
}
