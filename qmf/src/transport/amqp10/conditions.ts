import { QmfError } from '../../errors.js';
import type { RheaError } from '../../rhea/events.js';
import { type BrokerAddress, describeBroker } from '../broker-url.js';

/** A link's end as an error of ours. The connection goes on without that link. */
export function linkError(what: string, error: RheaError | undefined): QmfError {
  const code = error?.condition === 'amqp:unauthorized-access' ? 'not_authorised' : 'address_refused';
  return new QmfError(code, `${what}: ${describeCondition(error)}`);
}

/** The end of an open connection. */
export function connectionError(where: string, error: RheaError | undefined): QmfError {
  const text = describeCondition(error);
  if (error?.condition === 'amqp:unauthorized-access')
    return new QmfError('not_authorised', `${where} refused the credentials: ${text}`, { cause: error });
  return new QmfError('connection_lost', `the connection to ${where} ended: ${text}`, { cause: error });
}

/**
 * A connection that did not come about.
 *
 * @param hint what may be behind it when the broker said nothing at all
 */
export function refusedConnection(
  address: BrokerAddress,
  error: RheaError | undefined,
  hint: string,
): QmfError {
  const where = describeBroker(address);
  const text = describeCondition(error);
  const options = { cause: error };
  switch (error?.condition) {
    // By the condition only: a broker's trouble with SASL, or no broker at all, says nothing about the credentials.
    case 'amqp:unauthorized-access':
      return new QmfError('not_authorised', `${where} refused the credentials: ${text}`, options);
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
  const parts = [error.condition, error.description ?? error.message].filter(
    part => part !== undefined && part !== '',
  );
  return parts.length > 0 ? parts.join(': ') : (error.code ?? 'no reason given');
}

/** Brokers without AMQP 1.0 answer with the header of the version that they speak. */
function protocolHint(text: string): string {
  return /protocol/i.test(text)
    ? ' (is AMQP 1.0 enabled there? qpidd needs its module amqp.so, RabbitMQ 3 its plugin rabbitmq_amqp1_0)'
    : '';
}
