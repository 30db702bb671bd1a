import { QmfError, type QmfErrorCode } from '../../errors.js';

/** What an AMQP 1.0 peer says when something ends. */
export interface Condition {
  readonly condition?: string | undefined;
  readonly description?: string | undefined;
  readonly message?: string | undefined;
  readonly code?: string | undefined;
}

const codes: Readonly<Record<string, QmfErrorCode>> = {
  'amqp:not-found': 'address_refused',
  'amqp:not-allowed': 'address_refused',
  'amqp:precondition-failed': 'address_refused',
  'amqp:resource-deleted': 'address_refused',
  'amqp:not-implemented': 'address_refused',
  'amqp:invalid-field': 'address_refused',
};

/** A link's end as an error of ours. */
export function linkError(what: string, error: Condition | undefined): QmfError {
  const condition = error?.condition ?? 'no reason given';
  const code =
    condition === 'amqp:unauthorized-access' ? 'not_authorised' : (codes[condition] ?? 'connection_lost');
  return new QmfError(code, `${what}: ${describe(error)}`);
}

/** A connection's end as an error of ours. */
export function connectionError(where: string, error: Condition | undefined, opened: boolean): QmfError {
  const text = describe(error);
  if (error?.condition === 'amqp:unauthorized-access' || /sasl|authenticat/i.test(text)) {
    return new QmfError('not_authorised', `${where} refused the credentials: ${text}`, { cause: error });
  }
  if (opened)
    return new QmfError('connection_lost', `the connection to ${where} ended: ${text}`, { cause: error });
  return new QmfError('unreachable', `${where} cannot be reached: ${text}${protocolHint(text)}`, {
    cause: error,
  });
}

function describe(error: Condition | undefined): string {
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
