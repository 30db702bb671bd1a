import { QmfError } from '../../errors.js';
import type { RheaError } from '../../rhea/events.js';
import { type BrokerAddress, describeBroker } from '../broker-url.js';
import { socketProblem } from '../dial/failure-text.js';
import { peerWords } from '../dial/peer-words.js';

/**
 * Conditions (OASIS AMQP 1.0, part 2 §2.8.15-18) that can pass by themselves. All others, those of other vendors too, are taken
 * for good: the same attempt would end the same way.
 */
const passing: ReadonlySet<string> = new Set([
  'amqp:internal-error',
  'amqp:resource-limit-exceeded',
  'amqp:resource-locked',
  'amqp:illegal-state',
  'amqp:connection:forced',
  'amqp:session:window-violation',
  'amqp:session:errant-link',
  'amqp:session:handle-in-use',
  'amqp:session:unattached-handle',
  'amqp:link:detach-forced',
  'amqp:link:transfer-limit-exceeded',
  'amqp:link:stolen',
]);

/** Whether a link that ended so, or without a reason, can be there again soon. */
export function mayPass(error: RheaError | undefined): boolean {
  return error?.condition === undefined || passing.has(error.condition);
}

/** Whether an address was not there, or is there no more. */
export function isGone(error: RheaError | undefined): boolean {
  return error?.condition === 'amqp:not-found' || error?.condition === 'amqp:resource-deleted';
}

/** An exchange that we listen to was deleted: all that was bound to it is gone, so the connection has to begin anew. */
export function exchangeGone(what: string, why: string): QmfError {
  return new QmfError('connection_lost', `${what}: ${why}; an exchange that was in use has been deleted`);
}

/** Whether a link ended over the size of one message. */
export function isTooLarge(error: RheaError | undefined): boolean {
  return error?.condition === 'amqp:link:message-size-exceeded';
}

/** A link's end as an error of ours. The connection goes on without that link. */
export function linkError(what: string, error: RheaError | undefined): QmfError {
  const code = error?.condition === 'amqp:unauthorized-access' ? 'not_authorised' : 'address_refused';
  const remedy = 'give the user this right at the broker (docs/brokers.md)';
  const options = code === 'not_authorised' ? { remedy } : {};
  return new QmfError(code, `${what}: ${describeCondition(error)}`, options);
}

/**
 * The end of an open connection.
 *
 * @param user who logged in, if that is known
 */
export function connectionError(
  address: BrokerAddress,
  user: string | undefined,
  error: RheaError | undefined,
): QmfError {
  const where = describeBroker(address);
  const text = describeCondition(error);
  if (error?.condition === 'amqp:unauthorized-access') return notLetIn(address, user, error);
  return new QmfError('connection_lost', `the connection to ${where} ended: ${text}`, { cause: error });
}

/**
 * The login is over by now: what is refused is the virtual host, or the right to connect at all. RabbitMQ says the same of a virtual host
 * that is missing, one that the user has no right to, and a limit that is reached.
 */
function notLetIn(address: BrokerAddress, user: string | undefined, error: RheaError): QmfError {
  const { text, remedy } = notOpened(address, user, error);
  return new QmfError('not_authorised', text, { cause: error, remedy });
}

/** RabbitMQ 4 just hangs up in these cases. So does a network that breaks, which is why it is no refusal. */
export function cutAfterLogin(
  address: BrokerAddress,
  user: string | undefined,
  error: RheaError | undefined,
): QmfError {
  const { text, remedy } = notOpened(address, user, error);
  return new QmfError('unreachable', text, { cause: error, remedy });
}

function notOpened(
  { vhost, ...address }: BrokerAddress,
  user: string | undefined,
  error: RheaError | undefined,
): { readonly text: string; readonly remedy: string } {
  const place = vhost === undefined ? 'its default virtual host' : `the virtual host '${vhost}'`;
  const who = user === undefined ? 'anonymous users' : `the user '${user}'`;
  return {
    text: `${describeBroker(address)} did not open ${place} after the login: ${describeCondition(error)}`,
    remedy: `check at the broker that ${place} exists, that ${who} may use it, and that no limit of connections is reached`,
  };
}

/**
 * A connection that did not come about.
 *
 * @param user who logged in, if that is known
 * @param hint what may be behind it when the broker said nothing at all
 */
export function refusedConnection(
  address: BrokerAddress,
  user: string | undefined,
  error: RheaError | undefined,
  hint: string,
): QmfError {
  const where = describeBroker(address);
  const text = describeCondition(error);
  const options = { cause: error };
  switch (error?.condition) {
    // By the condition only: a broker's trouble with SASL, or no broker at all, says nothing about the credentials.
    case 'amqp:unauthorized-access':
      return notLetIn(address, user, error);
    case 'amqp:not-found': {
      const vhost = address.vhost ?? address.host;
      return new QmfError('address_refused', `${where} has no virtual host '${vhost}': ${text}`, options);
    }
    default: {
      const why = protocolHint(text) || (hint === '' ? '' : ` (${hint})`);
      return new QmfError('unreachable', `${where} cannot be reached: ${text}${why}`, options);
    }
  }
}

/** What a peer said, on one line. */
export function describeCondition(error: RheaError | undefined): string {
  if (error === undefined) return 'the peer closed it without a reason';
  const parts = [error.condition, error.description ?? socketProblem(error) ?? error.message].filter(
    part => part !== undefined && part !== '',
  );
  const text = parts.length > 0 ? parts.join(': ') : (error.code ?? 'no reason given');
  return peerWords(text) + otherPlace(error);
}

/** Where a broker sends us to. Going there is the business of who set the list of brokers. */
function otherPlace({ condition, info }: RheaError): string {
  if (condition !== 'amqp:connection:redirect' && condition !== 'amqp:link:redirect') return '';
  const [host, port, address] = ['network-host', 'port', 'address'].map(name => info?.[name]);
  const place = [host, port].filter(part => typeof part === 'string' || typeof part === 'number').join(':');
  const to = [place, typeof address === 'string' ? address : ''].filter(part => part !== '').join(' ');
  return to === '' ? '' : ` (it names ${peerWords(to)}; give that as the broker)`;
}

/** Brokers without AMQP 1.0 answer with the header of the version that they speak. */
function protocolHint(text: string): string {
  return /protocol/i.test(text)
    ? ' (is AMQP 1.0 enabled there? qpidd needs its module amqp.so, RabbitMQ 3 its plugin rabbitmq_amqp1_0)'
    : '';
}
