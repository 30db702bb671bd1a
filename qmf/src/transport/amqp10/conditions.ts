import { QmfError } from '../../errors.js';
import type { RheaError } from '../../rhea/events.js';

/** A link's end as an error of ours. The connection goes on without that link. */
export function linkError(what: string, error: RheaError | undefined): QmfError {
  const code = error?.condition === 'amqp:unauthorized-access' ? 'not_authorised' : 'address_refused';
  return new QmfError(code, `${what}: ${describeCondition(error)}`);
}

/** A connection's end as an error of ours. */
export function connectionError(where: string, error: RheaError | undefined, opened: boolean): QmfError {
  const text = describeCondition(error);
  // By the condition only: a broker's trouble with SASL, or no broker at all, says nothing about the credentials.
  if (error?.condition === 'amqp:unauthorized-access') {
    return new QmfError('not_authorised', `${where} refused the credentials: ${text}`, { cause: error });
  }
  if (opened)
    return new QmfError('connection_lost', `the connection to ${where} ended: ${text}`, { cause: error });
  return new QmfError('unreachable', `${where} cannot be reached: ${text}${protocolHint(text)}`, {
    cause: error,
  });
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
