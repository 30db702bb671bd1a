import { QmfError, type QmfErrorCode } from '@imagefactory/qmf';
import { isInputError } from '@imagefactory/text';
import { exitCodes } from './exit-codes.js';

/** An error as the user gets it: one line, what to do about it, and the exit code. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    readonly code: string,
    readonly exitCode: number,
    message: string,
    readonly remedy?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export function usageError(message: string, remedy?: string): CliError {
  return new CliError('usage', exitCodes.usage, message, remedy);
}

export function notFoundError(message: string, remedy?: string): CliError {
  return new CliError('not_found', exitCodes.notFound, message, remedy);
}

type Ending = Exclude<keyof typeof exitCodes, 'ok'>;

const endings: Readonly<Record<QmfErrorCode, { readonly ending: Ending; readonly remedy?: string }>> = {
  invalid_argument: { ending: 'usage' },
  invalid_query: {
    ending: 'usage',
    remedy: 'a predicate is written like [eq, status, [quote, COMPLETED]]',
  },
  query_too_costly: { ending: 'usage' },
  not_encodable: { ending: 'usage' },
  unreachable: {
    ending: 'unreachable',
    remedy: 'check that the broker runs, and name it with --broker HOST[:PORT]',
  },
  tls_failed: { ending: 'unreachable', remedy: 'see --ca, --cert, --key and --server-name' },
  not_authorised: {
    ending: 'unreachable',
    remedy: 'check the rights of this user at the broker',
  },
  connection_lost: { ending: 'unreachable', remedy: 'the bus went away; try again when it is back' },
  address_refused: {
    ending: 'unreachable',
    remedy: 'check the virtual host in --broker, --domain, and the rights of this user',
  },
  message_released: { ending: 'unreachable', remedy: 'try again' },
  message_rejected: { ending: 'failed' },
  outbox_full: { ending: 'unreachable', remedy: 'try again' },
  timeout: { ending: 'notFound', remedy: 'wait longer with --timeout SECONDS' },
  aborted: { ending: 'interrupted' },
  closed: { ending: 'unreachable' },
  agent_exception: { ending: 'failed' },
  library_unsupported: { ending: 'failed' },
  malformed_message: { ending: 'failed' },
  agent_unknown: {
    ending: 'notFound',
    remedy: "the bus is there; see which agents are with 'agents'",
  },
  schema_unknown: { ending: 'notFound', remedy: "see what there is with 'schema'" },
};

const LOOK_FIRST = 'whether the call was carried out is not known; look before you repeat it';

/** Any thrown thing as an error for the user. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (isInputError(error))
    return new CliError(error.code, exitCodes.usage, error.message, undefined, { cause: error });
  if (error instanceof QmfError) {
    const { ending, remedy: usual } = endings[error.code];
    const remedy = error.mayHaveBeenExecuted ? LOOK_FIRST : (error.remedy ?? usual);
    return new CliError(error.code, exitCodes[ending], error.message, remedy, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new CliError('internal', exitCodes.failed, message, 'this is a bug; please report it', {
    cause: error,
  });
}
