import { QmfError } from '../errors.js';
import { type BrokerAddress, describeBroker } from './broker-url.js';
import { type CredentialOptions, credentialsFor } from './credentials.js';
import { checkTlsScheme, type OpenSocket } from './dial/open-socket.js';
import type { TlsOptions } from './dial/tls-options.js';
import { checkLogin, chooseMechanism, type Login, type SaslName, showsPassword } from './sasl/choose.js';
import type { SaslExchange } from './sasl/exchange.js';

/** How both transports make themselves known to a broker, and it to them. */
export interface SecurityOptions extends CredentialOptions {
  /** For addresses with TLS only. */
  readonly tls?: TlsOptions;
  /** The one way to log in; by default the best of those that the broker offers and that there is something to show for. */
  readonly sasl?: SaslName;
  /** Told once of each thing that is unsafe, or looks like a mistake, and still works; by default a warning of the process. */
  readonly onWarning?: (text: string) => void;
}

/** What a login has to know of the connection below. */
type Channel = Pick<OpenSocket, 'isSecure' | 'hasClientCertificate'>;

/** The security of the connections to one broker. */
export interface Security {
  readonly tls: TlsOptions | undefined;
  /** Says something once, to whoever is told of what is unsafe. */
  readonly warn: (text: string) => void;
  /** @throws QmfError `invalid_argument` for files that cannot be used, and for a way to log in that lacks what it needs */
  login(channel: Channel): Promise<Login>;
  /** @throws QmfError `not_authorised` when the broker offers nothing that will do */
  choose(offered: readonly string[], login: Login, channel: Channel): SaslExchange;
}

/** @throws QmfError `invalid_argument` for options that cannot be meant */
export function securityOf(address: BrokerAddress, options: SecurityOptions): Security {
  checkTlsScheme(address, options.tls);
  const where = describeBroker(address);
  const said = new Set<string>();
  const warn = (text: string): void => {
    if (said.has(text)) return;
    said.add(text);
    if (options.onWarning === undefined) process.emitWarning(text);
    else options.onWarning(text);
  };
  return {
    tls: options.tls,
    warn,
    login: async ({ hasClientCertificate }) => {
      const login = {
        ...(await credentialsFor(address, options, warn)),
        sasl: options.sasl,
        hasClientCertificate,
      };
      checkLogin(where, login);
      return login;
    },
    choose: (offered, login, channel) => {
      const exchange = chooseMechanism(where, offered, login);
      if (showsPassword(exchange) && !channel.isSecure && !isLoopback(address.host)) {
        warn(`the password goes to ${where} in readable form; use TLS (amqps://, amqp091s://)`);
      }
      return exchange;
    },
  };
}

const PASSWORD =
  'check the user and its password (--password-file, or IMAGEFACTORY_USER and IMAGEFACTORY_PASSWORD)';

/** The broker said no to who we are. */
export function refusedLogin(where: string, mechanism: string, { user }: Login, said = ''): QmfError {
  const who = user === undefined ? '' : ` of user '${user}'`;
  return new QmfError(
    'not_authorised',
    `${where} refused the credentials${who} (${mechanism})${said === '' ? '' : `: ${said}`}`,
    { remedy: PASSWORD },
  );
}

/** A login that ended on our side. */
export function brokenLogin(where: string, error: unknown): QmfError {
  if (error instanceof QmfError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new QmfError('not_authorised', `the login at ${where} was broken off: ${why}`, {
    cause: error,
    remedy: PASSWORD,
  });
}

function isLoopback(host: string): boolean {
  return /^(localhost|.*\.localhost|127(\.\d+){3}|::1)$/i.test(host);
}
