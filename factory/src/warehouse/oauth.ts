import { createHmac, randomBytes } from 'node:crypto';

/** Key and secret of a consumer. */
export interface OAuthCredentials {
  readonly key: string;
  readonly secret: string;
}

export interface OAuthMoment {
  readonly nonce: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** The `Authorization` header of a two-legged request: OAuth 1.0 with HMAC-SHA1, RFC 5849. The URL has no query part. */
export function oauthHeader(
  method: string,
  url: URL,
  { key, secret }: OAuthCredentials,
  { nonce, timestamp }: OAuthMoment = {
    nonce: randomBytes(16).toString('hex'),
    timestamp: Math.floor(Date.now() / 1000),
  },
): string {
  const parameters = {
    oauth_consumer_key: key,
    oauth_nonce: nonce,
    oauth_signature_method: 'HMAC-SHA1',
    oauth_timestamp: String(timestamp),
    oauth_version: '1.0',
  };
  const list = Object.entries(parameters).map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  const base = [method.toUpperCase(), `${url.protocol}//${url.host}${url.pathname}`, list.join('&')]
    .map(encoded)
    .join('&');
  const signature = createHmac('sha1', `${encoded(secret)}&`)
    .update(base)
    .digest('base64');
  return `OAuth ${Object.entries({ ...parameters, oauth_signature: signature })
    .map(([name, value]) => `${encoded(name)}="${encoded(value)}"`)
    .join(', ')}`;
}

/** RFC 5849, 3.6: more than what encodeURIComponent encodes. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
