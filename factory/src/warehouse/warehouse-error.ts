export const warehouseErrorCodes = [
  'invalid',
  'unreachable',
  'timeout',
  'not_authorised',
  'refused',
  'failed',
] as const;
export type WarehouseErrorCode = (typeof warehouseErrorCodes)[number];

/** What an image warehouse, or the way to it, has refused. No secrets are in it. */
export class WarehouseError extends Error {
  override readonly name = 'WarehouseError';
  constructor(
    readonly code: WarehouseErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return this.code === 'unreachable' || this.code === 'timeout' || this.code === 'failed';
  }
}
