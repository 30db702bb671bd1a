import { QmfError } from '../errors.js';
import { amqp091, type Amqp091Options } from './amqp091/amqp091.js';
import { amqp10, type Amqp10Options } from './amqp10/amqp10.js';
import { type BrokerAddress, isSecure, parseBrokerList, parseBrokerUrl } from './broker-url.js';
import type { Transport } from './transport.js';

export interface TransportOptions extends Amqp10Options, Amqp091Options {
  /** The version of AMQP; by default the scheme of the address says it: `amqp091` and `amqp091s`, or else 1.0. */
  readonly protocol?: '1.0' | '0-9-1';
}

/**
 * The transport that an address means.
 *
 * @throws QmfError `invalid_argument` for an address that cannot be read
 */
export function transportFor(broker: string | BrokerAddress, options: TransportOptions = {}): Transport {
  const address = typeof broker === 'string' ? parseBrokerUrl(broker) : broker;
  const named = address.scheme === 'amqp091' || address.scheme === 'amqp091s' ? '0-9-1' : '1.0';
  const secure = isSecure(address);
  if ((options.protocol ?? named) === '0-9-1') {
    return amqp091({ ...address, scheme: secure ? 'amqp091s' : 'amqp091' }, options);
  }
  return amqp10({ ...address, scheme: secure ? 'amqps' : 'amqp' }, options);
}

/**
 * The transports for a list of brokers, in the order in which they are to be tried. A text may hold several, with commas between
 * them (`%2C` is a comma that belongs to a user, password or virtual host).
 *
 * @throws QmfError `invalid_argument` for an address that cannot be read, an empty list, or options that cannot be meant
 */
export function transportsFor(
  brokers: string | readonly (string | BrokerAddress)[],
  options: TransportOptions = {},
): [Transport, ...Transport[]] {
  const all = typeof brokers === 'string' ? [brokers] : brokers;
  const [first, ...others] = all
    .flatMap(broker => (typeof broker === 'string' ? parseBrokerList(broker) : [broker]))
    .map(address => transportFor(address, options));
  if (first === undefined) throw new QmfError('invalid_argument', 'the list of brokers is empty');
  return [first, ...others];
}
