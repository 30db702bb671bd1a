import { type BrokerAddress, parseBrokerList } from '@imagefactory/qmf';
import type { ConnectOptions } from './connect-options.js';

/**
 * The user as whom the brokers will know us, where that is plain: the same one at all of them, logged in by password. Others, such as the
 * name that a broker takes from a certificate, are for the caller to say.
 */
export function loginName(options: ConnectOptions): string | undefined {
  const { broker = 'localhost', transport, sasl, tls, user, password, passwordFile } = options;
  if (transport !== undefined || tls?.cert !== undefined) return undefined;
  if (sasl === 'anonymous' || sasl === 'external') return undefined;
  const addresses = (typeof broker === 'string' ? [broker] : broker).flatMap(parseBrokerList);
  const nameAt = (address: BrokerAddress): string | undefined =>
    (address.password ?? password ?? passwordFile) === undefined ? undefined : (address.user ?? user);
  const names = new Set(addresses.map(nameAt));
  const [name] = names;
  return names.size === 1 ? name : undefined;
}
