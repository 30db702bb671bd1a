import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { QmfError } from '../../errors.js';
import { otherEncoding } from '@imagefactory/text';
import { readFileBytes } from '@imagefactory/text';
import { type PemBlock, pemBlocks } from './pem.js';

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
 * Reads what the options name. What was checked is what is given to TLS: certificates and keys as they were read, not the text of their files.
 *
 * @throws QmfError `invalid_argument` that names the file and what is wrong with it
 */
export async function loadTls(options: TlsOptions): Promise<TlsMaterial> {
  const { ca, cert, key, passphrase } = options;
  if (key !== undefined && cert === undefined)
    throw invalid('a TLS key is of no use without its certificate; give that too');
  const authorities = ca === undefined ? {} : { ca: written(certificatesOf(await read('CA', ca))) };
  if (cert === undefined) return authorities;
  const certFile = await read('client certificate', cert);
  const chain = certificatesOf(certFile);
  const keyFile = key === undefined ? certFile : await read('key', key);
  return {
    ...authorities,
    cert: written(chain),
    key: keyOf(keyFile, passphrase, chain[0], certFile.name),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

interface Pem {
  /** For people: what it is and where it comes from. */
  readonly name: string;
  readonly blocks: readonly PemBlock[];
}

async function read(what: string, source: PemSource): Promise<Pem> {
  const name = typeof source === 'string' ? `the TLS ${what} file ${source}` : `the TLS ${what}`;
  const bytes =
    typeof source === 'string'
      ? await readFileBytes(source, { name }).catch((error: unknown) => {
          throw QmfError.from(error, 'invalid_argument');
        })
      : source;
  const other = otherEncoding(bytes);
  if (other !== undefined) throw invalid(`${name} is ${other}; save it as UTF-8 text`);
  // Every byte is a character then; the comments between the blocks may be in any encoding.
  const blocks = pemBlocks(Buffer.from(bytes).toString('latin1'));
  if (blocks === undefined) throw invalid(`${name} holds a PEM block without its END line; is it complete?`);
  return { name, blocks };
}

/** All certificates of a PEM text, the first one first. */
function certificatesOf({ name, blocks }: Pem): readonly X509Certificate[] {
  const certificates = blocks.filter(({ label }) => /^(X509 |TRUSTED )?CERTIFICATE$/.test(label));
  if (certificates.length === 0) {
    throw invalid(`${name} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)`);
  }
  return certificates.map(({ text }, index) => {
    try {
      return new X509Certificate(text);
    } catch (cause) {
      throw invalid(`${name}: certificate ${index + 1} cannot be read`, cause);
    }
  });
}

function written(certificates: readonly X509Certificate[]): string {
  return certificates.map(certificate => certificate.toString()).join('');
}

/** The private key of a certificate, as PEM. */
function keyOf(
  { name, blocks }: Pem,
  passphrase: string | undefined,
  certificate: X509Certificate | undefined,
  certificateName: string,
): string {
  const keys = blocks.filter(({ label }) => /(^| )PRIVATE KEY$/.test(label));
  if (keys.length === 0)
    throw invalid(`${name} holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)`);
  const isLocked = keys.some(
    ({ label, text }) => label.startsWith('ENCRYPTED') || /^Proc-Type:.*ENCRYPTED/m.test(text),
  );
  if (isLocked && passphrase === undefined)
    throw invalid(`${name}: the private key is encrypted, and no passphrase was given`);
  let readable = 0;
  for (const { text } of keys) {
    try {
      const key = createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
      if (certificate?.publicKey.equals(createPublicKey(key)) === true) return text;
      readable++;
    } catch {
      // OpenSSL's own words on this are of no help, and nothing else is known of it.
    }
  }
  throw invalid(
    readable === 0
      ? `${name}: the private key cannot be read${isLocked ? '; is the passphrase the right one?' : ''}`
      : `${name} is not the private key of ${certificateName}; give those of one pair`,
  );
}

function invalid(message: string, cause?: unknown): QmfError {
  return new QmfError('invalid_argument', message, cause === undefined ? {} : { cause });
}
