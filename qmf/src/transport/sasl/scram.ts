import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { SaslExchange } from './exchange.js';
import { saslPrep } from './saslprep.js';

const derive = promisify(pbkdf2);

/** Hashes by mechanism: RFC 5802 and 7677; the last by the same pattern, as brokers have it. */
export const scramHashes = {
  'SCRAM-SHA-1': 'sha1',
  'SCRAM-SHA-256': 'sha256',
  'SCRAM-SHA-512': 'sha512',
} as const;
export type ScramMechanism = keyof typeof scramHashes;

/** Rounds of hashing that a broker may ask for: fewer than RFC 5802 §5.1 has as least are an attack, more than this a stall. */
const MIN_ITERATIONS = 4_096;
const MAX_ITERATIONS = 2_000_000;

/** Neither side wants its authentication bound to the TLS channel, nor to act for another user (RFC 5802 §7: gs2-header). */
const GS2_HEADER = 'n,,';

type State =
  | { readonly at: 'start' }
  | { readonly at: 'proven'; readonly serverSignature: Buffer }
  | { readonly at: 'verified' };

/**
 * SCRAM (RFC 5802): the password never goes over the wire, and the broker proves that it knows it too.
 *
 * @param nonce for tests with known values
 */
export function scram(
  mechanism: ScramMechanism,
  user: string,
  password: string,
  nonce = randomBytes(24).toString('base64'),
): SaslExchange {
  const hash = scramHashes[mechanism];
  const firstBare = `n=${saslPrep(user).replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  let state: State = { at: 'start' };

  const prove = async (serverFirst: string): Promise<string> => {
    const { serverNonce, salt, iterations } = readServerFirst(serverFirst, nonce);
    const size = createHash(hash).digest().length;
    const salted = await derive(saslPrep(password), salt, iterations, size, hash);
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest();
    const clientKey = hmac(salted, 'Client Key');
    const withoutProof = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${serverNonce}`;
    const all = `${firstBare},${serverFirst},${withoutProof}`;
    const clientSignature = hmac(createHash(hash).update(clientKey).digest(), all);
    const proof = clientKey.map((byte, index) => byte ^ (clientSignature[index] ?? 0));
    state = { at: 'proven', serverSignature: hmac(hmac(salted, 'Server Key'), all) };
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`;
  };

  const verify = (serverFinal: string, expected: Buffer): void => {
    const fields = fieldsOf(serverFinal);
    const refused = fields.get('e');
    if (refused !== undefined) throw new Error(`the broker says '${refused}'`);
    const signature = Buffer.from(fields.get('v') ?? '', 'base64');
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
      throw new Error('the broker does not know the password itself; it may be an impostor');
    state = { at: 'verified' };
  };

  return {
    mechanism,
    initial: () => Buffer.from(`${GS2_HEADER}${firstBare}`),
    answer: async challenge => {
      const text = challenge.toString('utf8');
      switch (state.at) {
        case 'start':
          return Buffer.from(await prove(text));
        case 'proven':
          // Where the protocol has no room for data beside the outcome, the proof comes as a challenge of its own.
          verify(text, state.serverSignature);
          return Buffer.alloc(0);
        case 'verified':
          throw new Error('the broker went on asking after all was said');
      }
    },
    conclude: data => {
      if (state.at === 'proven') verify(data?.toString('utf8') ?? '', state.serverSignature);
      else if (state.at === 'start') throw new Error('the broker skipped the proof');
    },
  };
}

/** `r=` our nonce and the broker's, `s=` the salt, `i=` the rounds (RFC 5802 §5.1). */
function readServerFirst(
  text: string,
  nonce: string,
): { readonly serverNonce: string; readonly salt: Buffer; readonly iterations: number } {
  const fields = fieldsOf(text);
  if (fields.has('m')) throw new Error('the broker asks for an extension of SCRAM that is not known');
  const serverNonce = fields.get('r') ?? '';
  const salt = Buffer.from(fields.get('s') ?? '', 'base64');
  const rounds = fields.get('i') ?? '';
  // A nonce that is not new would let an old conversation be played back.
  if (!serverNonce.startsWith(nonce) || serverNonce.length === nonce.length)
    throw new Error('the broker answered with a nonce that does not belong to this login');
  if (salt.length === 0) throw new Error('the broker sent no salt');
  const iterations = /^\d{1,9}$/.test(rounds) ? Number(rounds) : 0;
  if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
    throw new Error(
      `the broker asks for ${rounds === '' ? 'no' : rounds.slice(0, 20)} iterations; ${MIN_ITERATIONS} to ${MAX_ITERATIONS} are taken`,
    );
  }
  return { serverNonce, salt, iterations };
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  return new Map(text.split(',').map(part => [part.slice(0, 1), part.slice(2)]));
}
