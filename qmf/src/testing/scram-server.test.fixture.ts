import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

const hashes = { 'SCRAM-SHA-1': 'sha1', 'SCRAM-SHA-256': 'sha256', 'SCRAM-SHA-512': 'sha512' } as const;

export interface ScramServer {
  /** What the server says to the client's first word. */
  readonly first: string;
  /** What it says to the client's proof: its own, or an error. */
  last(clientFinal: string): string;
}

/** A SCRAM server by RFC 5802 for one login, written apart from the client that it is to test. */
export function scramServer(
  mechanism: keyof typeof hashes,
  password: string,
  clientFirst: string,
): ScramServer {
  const hash = hashes[mechanism];
  const bare = clientFirst.slice('n,,'.length);
  const nonce = `${/r=(.*)$/.exec(bare)?.[1] ?? ''}server`;
  const salt = Buffer.from('salt of the earth');
  const first = `r=${nonce},s=${salt.toString('base64')},i=4096`;
  return {
    first,
    last: clientFinal => {
      const [, withoutProof = '', proof = ''] = /^(c=biws,r=[^,]*),p=(.*)$/.exec(clientFinal) ?? [];
      const hmac = (key: Buffer, data: string): Buffer => createHmac(hash, key).update(data).digest();
      const size = createHash(hash).digest().length;
      const salted = pbkdf2Sync(password, salt, 4096, size, hash);
      const clientKey = hmac(salted, 'Client Key');
      const all = `${bare},${first},${withoutProof}`;
      const signature = hmac(createHash(hash).update(clientKey).digest(), all);
      const sent = Buffer.from(proof, 'base64').map((byte, index) => byte ^ (signature[index] ?? 0));
      if (Buffer.compare(sent, clientKey) !== 0) return 'e=invalid-proof';
      return `v=${hmac(hmac(salted, 'Server Key'), all).toString('base64')}`;
    },
  };
}
