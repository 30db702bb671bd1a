import { QmfError } from '../../errors.js';

/** Reply codes of AMQP 0-9-1 (§1.2) that say more than that something went wrong. */
const replyCode = {
  accessRefused: 403,
  notFound: 404,
  locked: 405,
  preconditionFailed: 406,
  notAllowed: 530,
};

const refusals: ReadonlySet<number> = new Set([
  replyCode.notFound,
  replyCode.locked,
  replyCode.preconditionFailed,
  replyCode.notAllowed,
]);

/** The reply code with which the broker ended a channel or the connection. */
function codeOf(error: unknown): number | undefined {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : undefined;
}

function textOf(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).trim();
  if (text !== '') return text;
  // Of several addresses tried, Node.js keeps the reasons in a list and says nothing itself.
  const inner = error instanceof AggregateError ? error.errors.map(textOf).join('; ') : '';
  return inner === '' ? 'no reason given' : inner;
}

/** What the broker said of something done on a channel: a refusal of that, or the end of the connection. */
export function channelError(what: string, error: unknown): QmfError {
  if (error instanceof QmfError) return error;
  const code = codeOf(error);
  const message = `${what}: ${textOf(error)}`;
  if (code === replyCode.accessRefused) return new QmfError('not_authorised', message, { cause: error });
  if (code !== undefined && refusals.has(code))
    return new QmfError('address_refused', message, { cause: error });
  return new QmfError('connection_lost', message, { cause: error });
}

/** Whether a publishing channel ended over what one message is like, rather than where it goes. */
export function refusesOneMessage(error: unknown): boolean {
  return codeOf(error) === replyCode.preconditionFailed;
}

/** Whether the broker says that an exchange is there, but not as it was to be declared, or that declaring is not for us. */
export function mayStillBeThere(error: unknown): boolean {
  const code = codeOf(error);
  if (code === replyCode.accessRefused) return true;
  return code === replyCode.preconditionFailed && !/arg(?:ument)? '?type'?/i.test(textOf(error));
}

/** The end of an open connection. */
export function lostError(where: string, error: unknown): QmfError {
  const why = error === undefined ? 'the peer closed it without a reason' : textOf(error);
  return new QmfError('connection_lost', `the connection to ${where} ended: ${why}`, { cause: error });
}

/** What the end of a connection means for the bindings under way: Broker-J ends it over an exchange of another type. */
export function bindingError(where: string, error: unknown): QmfError {
  return codeOf(error) === replyCode.notAllowed ? channelError(where, error) : lostError(where, error);
}

/** Whether the broker has no such way to log in. amqplib has only words for it. */
export function lacksMechanism(error: unknown): boolean {
  return /SASL mechanism .* is not provided/i.test(textOf(error));
}

/** A connection that did not come about. */
export function dialError(where: string, vhost: string, error: unknown): QmfError {
  const text = textOf(error);
  const options = { cause: error };
  if (lacksMechanism(error) || /\b403\b|ACCESS.REFUSED|authentication failed/i.test(text)) {
    return new QmfError('not_authorised', `${where} refused the credentials: ${text}`, options);
  }
  if (/Expected ConnectionOpenOk; got <ConnectionClose/.test(text)) {
    // May pass: RabbitMQ says the same of a virtual host that is still starting.
    return new QmfError(
      'unreachable',
      `${where} did not open the virtual host '${vhost}': there is none of that name, it is not ready, or the user has no right to it`,
      options,
    );
  }
  return new QmfError('unreachable', `${where} cannot be reached: ${text}${protocolHint(text)}`, options);
}

/** What answers in another protocol makes amqplib read nonsense, or hangs up. */
function protocolHint(text: string): string {
  if (/wrong version number/i.test(text)) return ' (is there TLS at that port? amqp091:// is without)';
  return /exceeds maxFrameSize|Invalid frame|frame type|during opening handshake|during handshake/i.test(text)
    ? ' (is AMQP 0-9-1 spoken there? amqp:// is for AMQP 1.0, amqps:// for that over TLS)'
    : '';
}
