import { QmfError } from '../../errors.js';
import { anonymous, external, plain, type SaslExchange } from './exchange.js';
import { scram, type ScramMechanism } from './scram.js';

/** The ways to log in that can be asked for. */
export const saslNames = [
  'anonymous',
  'plain',
  'external',
  'scram-sha-1',
  'scram-sha-256',
  'scram-sha-512',
] as const;
export type SaslName = (typeof saslNames)[number];

/** Who wants to log in, and how. */
export interface Login {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Whether a client certificate was shown. */
  readonly hasClientCertificate: boolean;
  /** The one way to log in; by default the best of those that the broker offers and that there is something to show for. */
  readonly sasl?: SaslName | undefined;
  /** Whether user and password are those that stand for nobody in particular. */
  readonly isGuest?: boolean;
}

/** From the best to the least: the password stays here with SCRAM. */
const byPassword: readonly SaslName[] = ['scram-sha-512', 'scram-sha-256', 'scram-sha-1', 'plain'];

/**
 * Picks the way to log in from those that the broker offers.
 *
 * @throws QmfError `not_authorised` that names what the broker offers, when none of it will do
 */
export function chooseMechanism(where: string, offered: readonly string[], login: Login): SaslExchange {
  const possible = login.sasl === undefined ? suitable(login) : [login.sasl];
  const chosen = possible.find(name => offered.includes(name.toUpperCase()));
  if (chosen !== undefined) return exchangeFor(chosen, login);
  const offers = offered.length === 0 ? 'no way to log in' : `only ${offered.join(', ')}`;
  throw new QmfError('not_authorised', `${where} offers ${offers}; ${remedy(login, offered)}`);
}

/** @throws QmfError `invalid_argument` when what the mechanism needs is not there */
export function checkLogin(where: string, { sasl, user, password, hasClientCertificate }: Login): void {
  if (sasl === 'external' && !hasClientCertificate) {
    throw new QmfError(
      'invalid_argument',
      `${where}: the login 'external' is by client certificate; give one with its key, and use TLS`,
    );
  }
  if (user?.includes('\0') === true || password?.includes('\0') === true)
    throw new QmfError('invalid_argument', `${where}: the user or the password holds a NUL character`);
  if (sasl !== undefined && byPassword.includes(sasl) && (user === undefined || password === undefined)) {
    throw new QmfError('invalid_argument', `${where}: the login '${sasl}' needs a user and a password`);
  }
}

/** Whether this is how the password would go over the wire readably, if the connection is. */
export function showsPassword(exchange: SaslExchange): boolean {
  return exchange.mechanism === 'PLAIN';
}

function suitable({ user, password, hasClientCertificate, isGuest = false }: Login): readonly SaslName[] {
  const byCertificate: readonly SaslName[] = hasClientCertificate ? ['external'] : [];
  if (isGuest) return [...byCertificate, ...byPassword, 'anonymous'];
  if (user !== undefined && password !== undefined) return [...byPassword, ...byCertificate];
  return [...byCertificate, 'anonymous', ...(user === undefined ? [] : (['plain'] as const))];
}

function exchangeFor(name: SaslName, { user = '', password = '' }: Login): SaslExchange {
  switch (name) {
    case 'anonymous':
      return anonymous(user === '' ? 'anonymous' : user);
    case 'plain':
      return plain(user, password);
    case 'external':
      return external();
    default:
      return scram(name.toUpperCase() as ScramMechanism, user, password); // the names differ in nothing else
  }
}

function remedy({ sasl, user, hasClientCertificate }: Login, offered: readonly string[]): string {
  if (sasl !== undefined) return `'${sasl}' was asked for`;
  const wantsPassword = offered.some(name => name === 'PLAIN' || name.startsWith('SCRAM-SHA-'));
  if (user === undefined && wantsPassword) return 'give a user and a password';
  if (!hasClientCertificate && offered.includes('EXTERNAL')) return 'give a client certificate, and use TLS';
  return 'none of it is possible with what was given';
}
