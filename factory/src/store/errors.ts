/** Codes of {@link StoreError}; docs/errors.md has the remedy of each. */
export const storeErrorCodes = [
  'invalid',
  'invalid_query',
  'not_found',
  'conflict',
  'duplicate_order',
  'in_use',
  'newer_version',
  'damaged',
  'write_failed',
  'closed',
] as const;

export type StoreErrorCode = (typeof storeErrorCodes)[number];

/** An error of the store. Recognise it by its code: several copies of this package may be loaded. */
export class StoreError extends Error {
  override readonly name = 'StoreError';

  /**
   * @param existing with `duplicate_order`: the id of the order that has the caller and the key already
   */
  constructor(
    readonly code: StoreErrorCode,
    message: string,
    readonly existing?: string,
  ) {
    super(message);
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A {@link StoreError} as it passes between threads. */
export interface PassedError {
  readonly code: StoreErrorCode;
  readonly message: string;
  readonly existing?: string | undefined;
}

export function passed({ code, existing, message }: StoreError): PassedError {
  return { code, message, existing };
}

export function received({ code, existing, message }: PassedError): StoreError {
  return new StoreError(code, message, existing);
}
