import { type BuildErrorCode, isBuildError, recogniseError } from '@imagefactory/plugin-api';
import { OverQuota } from '../access/index.js';
import { CatalogError } from '../images/index.js';
import { ProviderError } from '../plugins/index.js';
import { StoreError } from '../store/index.js';

/** The parts of an order that a refusal may be about. A door translates them to its own names. */
export type OrderField =
  | 'template'
  | 'targets'
  | 'image'
  | 'build'
  | 'targetImage'
  | 'providers'
  | 'credentials'
  | 'callerImageUuid'
  | 'targetIdentifier'
  | 'description';

/**
 * Why an order was refused: `invalid` names the field that is wrong, `busy` is over the caller's share, `unavailable` is a factory that takes no
 * orders now, `not_recorded` a disk that is full or broken, `failed` anything else. Nothing was started.
 */
export type OrderErrorCode = 'invalid' | 'busy' | 'unavailable' | 'not_recorded' | 'failed';

export interface OrderErrorOptions extends ErrorOptions {
  /** Of `invalid` alone. */
  readonly field?: OrderField;
}

/** A refused order. Its message has the remedy, and no secret. */
export class OrderError extends Error {
  override readonly name = 'OrderError';
  readonly field: OrderField | undefined;

  constructor(
    readonly code: OrderErrorCode,
    message: string,
    { field, ...options }: OrderErrorOptions = {},
  ) {
    super(message, options);
    this.field = field;
  }
}

/** @param problem the fault, and the remedy */
export function invalidOrder(field: OrderField, problem: string, cause?: unknown): OrderError {
  return new OrderError('invalid', problem, { field, ...(cause === undefined ? {} : { cause }) });
}

/** The result of `work`; errors that a caller can act on become an {@link OrderError}. */
export async function orderErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw orderErrorOf(error);
  }
}

function orderErrorOf(error: unknown): unknown {
  if (error instanceof OrderError) return error;
  if (isBuildError(error) && ofTheOrder.has(error.code))
    return invalidOrder(error.code === 'target_unsupported' ? 'targets' : 'template', error.message, error);
  if (error instanceof OverQuota) return new OrderError('busy', error.message, { cause: error });
  if (error instanceof CatalogError) return invalidOrder(error.argument, error.message, error);
  if (error instanceof ProviderError) {
    return invalidOrder(error.argument === 'credentials' ? 'credentials' : 'providers', error.message, error);
  }
  const refused = isBuildError(error) ? error.cause : error;
  const cause = recogniseError(error)?.text ?? (isUnwritten(refused) ? 'the store refused it' : undefined);
  if (cause !== undefined) {
    // The path of a full disk is for the log, not for the caller.
    const message = `could not record the order; nothing was started: ${cause}; the operator should look at the image directory`;
    return new OrderError('not_recorded', message, { cause: error });
  }
  return isBuildError(error) ? new OrderError('failed', error.message, { cause: error }) : error;
}

function isUnwritten(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'write_failed';
}

/** Failures that another order would not have. */
const ofTheOrder: ReadonlySet<BuildErrorCode> = new Set([
  'template_invalid',
  'template_unavailable',
  'target_unsupported',
  'os_unsupported',
  'disk_size',
]);
