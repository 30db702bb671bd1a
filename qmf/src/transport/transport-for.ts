import { amqp091, type Amqp091Options } from './amqp091/amqp091.js';
import { amqp10, type Amqp10Options } from './amqp10/amqp10.js';
import { type BrokerAddress, parseBrokerUrl } from './broker-url.js';
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
  const secure = address.scheme === 'amqps' || address.scheme === 'amqp091s';
  if ((options.protocol ?? named) === '0-9-1') {
    return amqp091({ ...address, scheme: secure ? 'amqp091s' : 'amqp091' }, options);
  }
  return amqp10({ ...address, scheme: secure ? 'amqps' : 'amqp' }, options);
}
