import { QmfError } from '../../errors.js';
import { textOf } from '../dial/failure-text.js';
import { peerWords } from '../dial/peer-words.js';

/** Reply codes of AMQP 0-9-1 (§1.2) that say more than that something went wrong. */
const replyCode = {
  invalidPath: 402,
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

/** What the broker said, without what amqplib says around it. */
function wordsOf(error: unknown): string {
  const text = textOf(error);
  const [, code, said] = /(\d{3}) \([\w-]+\) with message "(.+)"$/s.exec(text) ?? [];
  return code === undefined || said === undefined ? peerWords(text) : `${peerWords(said)} (${code})`;
}

/** The reply code with which the broker ended a channel or the connection. */
function codeOf(error: unknown): number | undefined {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : undefined;
}

/** Whether the connection has all the channels that the broker allows. amqplib has only words for it. */
export function lacksChannel(error: unknown): boolean {
  return /No channels left to allocate/i.test(wordsOf(error));
}

/**
 * What the broker said of something done on a channel: a refusal of that, or the end of the connection.
 *
 * @param right what the user needs at the broker to do it
 */
export function channelError(what: string, error: unknown, right?: string): QmfError {
  if (error instanceof QmfError) return error;
  if (lacksChannel(error)) {
    return new QmfError('address_refused', `${what}: all channels that the broker allows are in use`);
  }
  const code = codeOf(error);
  const message = `${what}: ${wordsOf(error)}`;
  if (code === replyCode.accessRefused) {
    const remedy = `give the user the right ${right ?? 'to do this'} at the broker (docs/brokers.md)`;
    return new QmfError('not_authorised', message, { cause: error, remedy });
  }
  if (code !== undefined && refusals.has(code))
    return new QmfError('address_refused', message, { cause: error });
  return new QmfError('connection_lost', message, { cause: error });
}

/** Whether the broker says that what was named is not there. */
export function isNotFound(error: unknown): boolean {
  return codeOf(error) === replyCode.notFound;
}

/** An exchange that we listen to was deleted: all that was bound to it is gone, so the connection has to begin anew. */
export function exchangeGone(what: string, error: unknown): QmfError {
  const { message } = channelError(what, error);
  return new QmfError('connection_lost', `${message}; an exchange that was in use has been deleted`, {
    cause: error,
  });
}

/** Whether a publishing channel ended over what one message is like, rather than where it goes. */
export function refusesOneMessage(error: unknown): boolean {
  return codeOf(error) === replyCode.preconditionFailed;
}

/** Whether the broker says that an exchange is there, but not as it was to be declared, or that declaring is not for us. */
export function mayStillBeThere(error: unknown): boolean {
  const code = codeOf(error);
  if (code === replyCode.accessRefused) return true;
  return code === replyCode.preconditionFailed && !/arg(?:ument)? '?type'?/i.test(wordsOf(error));
}

const withoutReason = 'the peer closed it without a reason';

/** The end of an open connection. */
export function lostError(where: string, error: unknown): QmfError {
  const said = error === undefined ? '' : wordsOf(error);
  const why = said === '' || said === 'Unexpected close' ? withoutReason : said;
  return new QmfError('connection_lost', `the connection to ${where} ended: ${why}`, { cause: error });
}

/** What the end of a connection means for the bindings under way: Broker-J ends it over an exchange of another type. */
export function bindingError(where: string, error: unknown): QmfError {
  return codeOf(error) === replyCode.notAllowed ? channelError(where, error) : lostError(where, error);
}

/** What a broker said when it ended a connection that was being opened. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
}

/** Whether a broker that ended the login means who we are. */
export function isRefusedLogin({ code, text }: Refusal): boolean {
  return code === replyCode.accessRefused || /ACCESS.REFUSED|authentication failed/i.test(text);
}

/** The broker let us in, but not into the virtual host. */
export function vhostError(
  where: string,
  vhost: string,
  user: string | undefined,
  refusal: Refusal,
): QmfError {
  const { code } = refusal;
  const text = peerWords(refusal.text);
  const said = `${where} did not open the virtual host '${vhost}'`;
  const isForUs = code === replyCode.accessRefused || code === replyCode.notAllowed;
  // A limit of connections has the same code, and passes.
  if (isForUs && !/limit/i.test(text)) {
    if (code === replyCode.accessRefused || /refused/i.test(text)) {
      const who = user === undefined ? 'this user' : `the user '${user}'`;
      const remedy =
        'give the user a right to the virtual host at the broker, or name another one in the address';
      return new QmfError('not_authorised', `${said}: ${who} has no right to it: ${text}`, { remedy });
    }
    return new QmfError('address_refused', `${said}: there is none of that name: ${text}`);
  }
  if (code === replyCode.notFound || code === replyCode.invalidPath)
    return new QmfError('address_refused', `${said}: there is none of that name: ${text}`);
  return new QmfError('unreachable', `${said} now: ${text}`);
}

/**
 * A connection that did not come about.
 *
 * @param hint what may be behind it when the broker said nothing at all
 */
export function dialError(where: string, error: unknown, hint: string): QmfError {
  const said = wordsOf(error);
  const protocol = protocolHint(said);
  const why = [protocol, hint].filter(part => part !== '').join('; or ');
  // What amqplib says of bytes that it takes for a frame helps nobody.
  const text = /^(Frame size|Invalid frame|Unknown frame)/i.test(said)
    ? 'what answers makes no sense'
    : said.replace(/^Socket closed abruptly.*/, 'the peer closed it without a reason');
  return new QmfError('unreachable', `${where} cannot be reached: ${text}${why === '' ? '' : ` (${why})`}`, {
    cause: error,
  });
}

/** What answers in another protocol makes amqplib read nonsense, or hangs up. */
function protocolHint(text: string): string {
  return /exceeds maxFrameSize|Invalid frame|frame type|during opening handshake|during handshake/i.test(text)
    ? 'is AMQP 0-9-1 spoken there? amqp:// is for AMQP 1.0, amqps:// for that over TLS'
    : '';
}
