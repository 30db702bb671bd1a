/**
 * Every code that an error of this package can carry, and whether trying the same thing again is sensible.
 * `docs/errors.md` has an entry with a remedy for each; a test holds the two together.
 */
export const qmfErrorCodes = {
  /** An argument of an API call cannot be used. */
  invalid_argument: { retryable: false },
  /** Bytes from the network do not follow the format they claim to have. */
  malformed_message: { retryable: false },
  /** A value cannot be expressed in the wanted encoding. */
  not_encodable: { retryable: false },
  /** The text or list form of a query or predicate is wrong. */
  invalid_query: { retryable: false },
  /** A query or predicate takes more steps than one may. */
  query_too_costly: { retryable: false },
  /** The broker cannot be reached. */
  unreachable: { retryable: true },
  /** No secure connection came about: a certificate, a TLS version, or no TLS there at all. */
  tls_failed: { retryable: false },
  /** The broker refused the credentials or the mechanism. */
  not_authorised: { retryable: false },
  /** The connection went away while something was under way; whether it took effect is unknown. */
  connection_lost: { retryable: true },
  /** The broker refused an address: unknown node, or no right to use it. */
  address_refused: { retryable: false },
  /** The broker did not take the message now (outcome released or modified). */
  message_released: { retryable: true },
  /** The broker refused the message for good (outcome rejected). */
  message_rejected: { retryable: false },
  /** More messages wait for the broker than the bound allows. */
  outbox_full: { retryable: true },
  /** No answer before the deadline. */
  timeout: { retryable: true },
  /** The caller's AbortSignal fired. */
  aborted: { retryable: false },
  /** The session or connection was closed by its owner. */
  closed: { retryable: false },
  /** The agent answered with an exception; see `agentText` and `agentCode`. */
  agent_exception: { retryable: false },
  /** No such agent is known, or it went silent. */
  agent_unknown: { retryable: true },
  /** A library is installed in a version whose undocumented parts this package does not know. */
  library_unsupported: { retryable: false },
  /** The agent publishes no such class, method or object. */
  schema_unknown: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type QmfErrorCode = keyof typeof qmfErrorCodes;

/**
 * What a broker says to something that it will never take. Brokers differ in which of these they choose for a lack of rights: Artemis rejects
 * the message, Broker-J refuses the address.
 */
export const brokerRefusals: ReadonlySet<QmfErrorCode> = new Set([
  'not_authorised',
  'address_refused',
  'message_rejected',
]);

export interface QmfErrorOptions extends ErrorOptions {
  /** Text of the agent's exception (`error_text`). */
  readonly agentText?: string;
  /** Code of the agent's exception (`error_code`). */
  readonly agentCode?: number;
  /** See {@link QmfError.isUnsent}. */
  readonly isUnsent?: boolean;
  /** See {@link QmfError.mayHaveBeenExecuted}. */
  readonly mayHaveBeenExecuted?: boolean;
  /** See {@link QmfError.remedy}. */
  readonly remedy?: string;
}

/** The one error class of this package. `code` says what happened, `retryable` whether a retry is sensible. */
export class QmfError extends Error {
  override readonly name = 'QmfError';
  readonly agentText: string | undefined;
  readonly agentCode: number | undefined;
  /**
   * Whether a method call that failed may have been carried out all the same: it had been handed to the broker, and no answer came.
   * Look before you repeat such a call; nothing in this package repeats it for you.
   */
  readonly mayHaveBeenExecuted: boolean;
  /** Whether nothing of a message whose connection was lost had been sent to the broker. */
  readonly isUnsent: boolean;
  /** What to do about it, where that is known better than by the code alone. */
  readonly remedy: string | undefined;

  constructor(
    readonly code: QmfErrorCode,
    message: string,
    options: QmfErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.agentText = options.agentText;
    this.agentCode = options.agentCode;
    this.mayHaveBeenExecuted = options.mayHaveBeenExecuted ?? false;
    this.isUnsent = options.isUnsent ?? false;
    this.remedy = options.remedy;
  }

  get retryable(): boolean {
    return qmfErrorCodes[this.code].retryable;
  }

  /** The same error of a message that had not been sent. */
  unsent(): QmfError {
    const { cause } = this;
    return new QmfError(this.code, this.message, {
      isUnsent: true,
      ...(cause === undefined ? {} : { cause }),
    });
  }

  /** The same error of a call that may have been carried out. */
  maybeExecuted(): QmfError {
    const { cause, agentText, agentCode } = this;
    return new QmfError(this.code, this.message, {
      mayHaveBeenExecuted: true,
      ...(cause === undefined ? {} : { cause }),
      ...(agentText === undefined ? {} : { agentText }),
      ...(agentCode === undefined ? {} : { agentCode }),
    });
  }

  /** Any thrown thing as a QmfError; what is not one already gets `code`, and stays the cause. */
  static from(error: unknown, code: QmfErrorCode): QmfError {
    if (error instanceof QmfError) return error;
    return new QmfError(code, error instanceof Error ? error.message : String(error), { cause: error });
  }
}
