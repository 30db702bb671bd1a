import { QmfError } from '../errors.js';
import { dialectNames } from './amqp10/dialects/index.js';
import type { BrokerAddress } from './broker-url.js';
import { credentialsFor } from './credentials.js';
import { loadTls, type TlsOptions } from './dial/tls-options.js';
import { saslNames } from './sasl/choose.js';
import type { TransportOptions } from './transport-for.js';

/** An option of a command line that has to do with the way to the broker. */
export interface BusFlag {
  /** As command line libraries take it: `--name <value>`. */
  readonly flags: string;
  readonly help: string;
  readonly choices?: readonly string[];
}

const protocols = ['1.0', '0-9-1'] as const;

/** How a broker is named, and several of them. */
export const brokerHelp =
  'HOST[:PORT] or amqp[s]://[user[:password]@]host[:port][/vhost], amqp091[s]:// for AMQP 0-9-1; several brokers, for failover, by commas or by giving the option again';

/** The options beside the broker's address that all programs have, with their texts for `--help`. */
export const busFlags: readonly BusFlag[] = [
  {
    flags: '--ca <file>',
    help: "authorities that the broker's TLS certificate may come from (PEM; default: those of Node.js)",
  },
  { flags: '--cert <file>', help: 'TLS client certificate (PEM), for brokers that want one' },
  { flags: '--key <file>', help: 'its private key (PEM; default: in the same file)' },
  { flags: '--server-name <name>', help: "name in the broker's certificate, where the address is another" },
  {
    flags: '--sasl <mechanism>',
    help: 'how to log in (default: the best that the broker offers)',
    choices: saslNames,
  },
  {
    flags: '--password-file <file>',
    help: 'file with the password, or with user:password where no user is given otherwise',
  },
  { flags: '--protocol <version>', help: 'version of AMQP, whatever the address says', choices: protocols },
  {
    flags: '--dialect <name>',
    help: 'make of an AMQP 1.0 broker (default: as it says itself)',
    choices: dialectNames,
  },
  {
    flags: '--idle-timeout <seconds>',
    help: 'how long the broker may be silent before it is taken for dead (default: 30)',
  },
];

/** The same as they come from the command line. */
export interface BusFlagValues {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly sasl?: string;
  readonly passwordFile?: string;
  readonly protocol?: string;
  readonly dialect?: string;
  readonly idleTimeout?: string | number;
}

/** Seconds that `--idle-timeout` may be; less than the least would take every pause of a busy broker for its death. */
const idleSeconds = { least: 2, most: 3_600 } as const;

/**
 * The options for transports that a command line and its environment mean.
 *
 * @param prefix of the variables `_USER`, `_PASSWORD`, `_PASSWORD_FILE` and `_KEY_PASSPHRASE`
 * @throws QmfError `invalid_argument` for a word that is none of the choices, or a time that cannot be
 */
export function readBusFlags(
  flags: BusFlagValues,
  env: Readonly<Record<string, string | undefined>>,
  prefix: string,
): TransportOptions {
  const variable = (name: string): string | undefined => env[`${prefix}_${name}`] || undefined;
  const user = variable('USER');
  const password = flags.passwordFile === undefined ? variable('PASSWORD') : undefined;
  const passwordFile = flags.passwordFile ?? (password === undefined ? variable('PASSWORD_FILE') : undefined);
  const tls = tlsOf(flags, variable('KEY_PASSPHRASE'));
  const sasl = oneOf('--sasl', flags.sasl, saslNames);
  const protocol = oneOf('--protocol', flags.protocol, protocols);
  const dialect = oneOf('--dialect', flags.dialect, dialectNames);
  const idleTimeout = idleTimeoutOf(flags.idleTimeout);
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(dialect === undefined ? {} : { dialect }),
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
  };
}

/**
 * Reads the files that the options name, to find mistakes before anything is dialled.
 *
 * @returns the secrets, for logs to keep them out
 * @throws QmfError `invalid_argument` that names the file and what is wrong with it
 */
export async function checkBusFiles(
  brokers: readonly BrokerAddress[],
  options: TransportOptions,
): Promise<readonly string[]> {
  const { tls } = options;
  if (tls !== undefined) await loadTls(tls);
  const credentials = await Promise.all(
    brokers.map(address => credentialsFor(address, options, () => undefined)),
  );
  const secrets = [tls?.passphrase, ...credentials.map(({ password }) => password)];
  return [...new Set(secrets.filter(secret => secret !== undefined))];
}

function tlsOf(
  { ca, cert, key, serverName }: BusFlagValues,
  passphrase: string | undefined,
): TlsOptions | undefined {
  const tls: TlsOptions = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
  if (Object.keys(tls).length === 0) return undefined;
  return cert === undefined || passphrase === undefined ? tls : { ...tls, passphrase };
}

/** Milliseconds. */
function idleTimeoutOf(given: string | number | undefined): number | undefined {
  if (given === undefined) return undefined;
  const { least, most } = idleSeconds;
  const seconds = /^\d{1,5}$/.test(String(given)) ? Number(given) : Number.NaN;
  if (seconds >= least && seconds <= most) return seconds * 1_000;
  throw new QmfError(
    'invalid_argument',
    `--idle-timeout: '${given}' is no number of seconds from ${least} to ${most}`,
  );
}

function oneOf<T extends string>(
  option: string,
  word: string | undefined,
  choices: readonly T[],
): T | undefined {
  if (word === undefined) return undefined;
  const found = choices.find(choice => choice === word);
  if (found !== undefined) return found;
  throw new QmfError(
    'invalid_argument',
    `${option}: '${word}' is not known; write one of ${choices.join(', ')}`,
  );
}
