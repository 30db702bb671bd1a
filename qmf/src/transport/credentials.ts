import { stat } from 'node:fs/promises';
import { QmfError } from '../errors.js';
import { readSecretFile } from '@imagefactory/text';
import { type BrokerAddress, describeBroker } from './broker-url.js';

/** Who to be at brokers whose address does not say it. */
export interface CredentialOptions {
  readonly user?: string;
  /** Goes with `user`, or with the user of the address if there is no other. */
  readonly password?: string;
  /**
   * File with the password; with `user:password` where no user is known otherwise. Its first line counts. It is read at each dial, so
   * that a changed password is taken up.
   */
  readonly passwordFile?: string;
}

/** A user and what proves it. */
export interface Credentials {
  readonly user?: string;
  readonly password?: string;
}

const OTHERS_MAY_READ = 0o004;

/**
 * User and password for a broker: of its address, or else of the options.
 *
 * @param warn told of a password file that everybody can read
 * @throws QmfError `invalid_argument` for a file that cannot be used; never repeats what it holds
 */
export async function credentialsFor(
  address: BrokerAddress,
  options: CredentialOptions,
  warn: (text: string) => void,
): Promise<Credentials> {
  const user = address.user ?? options.user;
  const { password } = address;
  if (password !== undefined) return named(user, password);
  // The password of somebody else is none of this broker's business.
  const isOther = address.user !== undefined && options.user !== undefined && address.user !== options.user;
  if (isOther) return named(user, undefined);
  if (options.passwordFile !== undefined) return fromFile(options.passwordFile, user, warn);
  if (options.password === undefined) return named(user, undefined);
  if (user === undefined) {
    throw new QmfError(
      'invalid_argument',
      `a password was given for ${describeBroker(address)}, but no user`,
    );
  }
  return named(user, options.password);
}

async function fromFile(
  path: string,
  user: string | undefined,
  warn: (text: string) => void,
): Promise<Credentials> {
  const line = await readSecretFile(path, { name: `the password file ${path}` }).catch((error: unknown) => {
    throw QmfError.from(error, 'invalid_argument');
  });
  // A pipe belongs to who made it, and what is gone by now was read.
  const mode = await stat(path).then(
    status => (status.isFile() ? status.mode : 0),
    () => 0,
  );
  if ((mode & OTHERS_MAY_READ) !== 0)
    warn(`every user of this machine can read the password file ${path}; chmod o-r makes it private`);
  if (user !== undefined) return named(user, line);
  const colon = line.indexOf(':');
  if (colon < 1) {
    throw new QmfError(
      'invalid_argument',
      `the password file ${path} names no user; write user:password there, or give the user elsewhere`,
    );
  }
  return named(line.slice(0, colon), line.slice(colon + 1));
}

function named(user: string | undefined, password: string | undefined): Credentials {
  return { ...(user === undefined ? {} : { user }), ...(password === undefined ? {} : { password }) };
}
