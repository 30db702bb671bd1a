import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { SecureContextOptions } from 'node:tls';
import { QmfError } from '../../errors.js';
import { fileProblem } from './failure-text.js';

/** Path of a PEM file, read anew at each dial so that renewed certificates are taken up; or what such a file holds. */
export type PemSource = string | Uint8Array;

/** How a broker is known, and how we are known to it. There is no switch to trust just anybody: name a CA instead. */
export interface TlsOptions {
  /** The authorities to trust, instead of those that Node.js brings along; a self-signed certificate may be its own. */
  readonly ca?: PemSource;
  /** Our own certificate, with those between it and its authority, for brokers that ask for one. */
  readonly cert?: PemSource;
  /** The private key of {@link cert}; by default it is looked for in the same file. */
  readonly key?: PemSource;
  /** What the private key is encrypted with. */
  readonly passphrase?: string;
  /** The name that the broker's certificate must have, where the address is another: an IP address, a tunnel. */
  readonly servername?: string;
}

/** What TLS needs of the options, read and checked. */
export type TlsMaterial = Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'passphrase'>;

/**
 * Reads what the options name.
 *
 * @throws QmfError `invalid_argument` that names the file and what is wrong with it
 */
export async function loadTls(options: TlsOptions): Promise<TlsMaterial> {
  if (options.key !== undefined && options.cert === undefined)
    throw invalid('a TLS key is of no use without its certificate; give that too');
  const ca = options.ca === undefined ? undefined : await read('CA', options.ca);
  if (ca !== undefined) certificatesOf(ca);
  if (options.cert === undefined) return ca === undefined ? {} : { ca: ca.pem };
  const cert = await read('client certificate', options.cert);
  const [leaf] = certificatesOf(cert);
  const key = options.key === undefined ? cert : await read('key', options.key);
  const { passphrase } = options;
  checkKey(key, passphrase, leaf, cert.name);
  return {
    ...(ca === undefined ? {} : { ca: ca.pem }),
    cert: cert.pem,
    key: key.pem,
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

interface Pem {
  /** For people: what it is and where it comes from. */
  readonly name: string;
  readonly pem: string;
}

async function read(what: string, source: PemSource): Promise<Pem> {
  if (typeof source !== 'string')
    return { name: `the TLS ${what}`, pem: Buffer.from(source).toString('latin1') };
  const name = `the TLS ${what} file ${source}`;
  try {
    return { name, pem: await readFile(source, 'latin1') };
  } catch (cause) {
    throw invalid(`${name} cannot be read: ${fileProblem(cause)}`, cause);
  }
}

/** All certificates of a PEM text, the first one first. OpenSSL itself passes over what it cannot read without a word. */
function certificatesOf({ name, pem }: Pem): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) {
    throw invalid(`${name} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)`);
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw invalid(`${name}: certificate ${index + 1} cannot be read`, cause);
    }
  });
}

function checkKey(
  { name, pem }: Pem,
  passphrase: string | undefined,
  certificate: X509Certificate | undefined,
  certificateName: string,
): void {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    throw invalid(`${name} holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)`);
  const isLocked = /ENCRYPTED/.test(pem);
  if (isLocked && passphrase === undefined)
    throw invalid(`${name}: the private key is encrypted, and no passphrase was given`);
  let fits: boolean | undefined;
  try {
    const key = createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
    fits = certificate?.publicKey.equals(createPublicKey(key));
  } catch {
    // OpenSSL's own words on this are of no help, and nothing else is known of it.
    throw invalid(
      `${name}: the private key cannot be read${isLocked ? '; is the passphrase the right one?' : ''}`,
    );
  }
  if (fits !== true)
    throw invalid(`${name} is not the private key of ${certificateName}; give those of one pair`);
}

function invalid(message: string, cause?: unknown): QmfError {
  return new QmfError('invalid_argument', message, cause === undefined ? {} : { cause });
}
