import type { PeerCertificate } from 'node:tls';
import { QmfError } from '../../errors.js';
import { codeWord, textOf } from './failure-text.js';

/** What is known of a TLS connection that fails. */
export interface TlsContext {
  /** Where it goes, for people. */
  readonly where: string;
  /** The name that was asked for and looked for in the certificate. */
  readonly name: string;
  /** Whether we have a certificate of our own to show. */
  readonly hasClientCertificate: boolean;
  /** The broker's certificate, once it is here. */
  readonly peer: PeerCertificate | undefined;
}

/** An error of Node.js or OpenSSL as one of ours, if it is about TLS: what is wrong, and what to do. */
export function tlsFailure(error: unknown, context: TlsContext): QmfError | undefined {
  const code = codeWord(error);
  const text = verification(code, context) ?? refusal(code, context) ?? misunderstanding(code);
  if (text !== undefined) return failed(context.where, text, error);
  if (/^(ERR_SSL_|ERR_TLS_|ERR_OSSL_)/.test(code))
    return failed(context.where, `TLS failed: ${reasonOf(error)}`, error);
  return undefined;
}

/** The remedy for a connection that ended without a word while TLS was set up, or right after. */
export function silentEnd({ hasClientCertificate }: TlsContext, stage: 'handshake' | 'after'): string {
  const certificate = hasClientCertificate
    ? 'does it refuse our client certificate?'
    : 'does it want a client certificate?';
  return stage === 'handshake' ? `is there TLS at that port? ${certificate}` : certificate;
}

/** Whether these are the first bytes of a TLS alert: the answer of a TLS port to everything else. */
export function isTlsAlert(bytes: Uint8Array): boolean {
  return bytes[0] === 0x15 && bytes[1] === 0x03;
}

export function plainToTls(where: string, secureScheme: string): QmfError {
  return failed(where, `it answers with TLS; write ${secureScheme}:// for that`, undefined);
}

/** The broker's certificate does not hold. */
function verification(code: string, { name, peer }: TlsContext): string | undefined {
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return "the broker's certificate is signed by itself, and not trusted; if it is the right one, give it as CA file";
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_UNTRUSTED':
    case 'INVALID_CA':
    case 'CERT_SIGNATURE_FAILURE':
      return `the broker's certificate comes from an authority that is not trusted (${issuerOf(peer)}); give that authority's certificate as CA file`;
    case 'CERT_HAS_EXPIRED':
      return `the broker's certificate, or one that it rests on, has expired${expiry(peer)}; it must be renewed there (or is this machine's clock wrong?)`;
    case 'CERT_NOT_YET_VALID':
      return `the broker's certificate is not valid yet${peer === undefined ? '' : `, but from ${peer.valid_from}`}; is this machine's clock right?`;
    case 'CERT_REVOKED':
      return "the broker's certificate was revoked; it must be replaced there";
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the broker's certificate is not for ${name} but for ${namesOf(peer)}; use one of these as address or as server name`;
    default:
      return undefined;
  }
}

/** The broker ends the handshake with an alert: codes by RFC 8446 §6.2. */
function refusal(code: string, { hasClientCertificate, peer }: TlsContext): string | undefined {
  switch (/_ALERT_(\w+)$/.exec(code)?.[1]) {
    case 'CERTIFICATE_REQUIRED':
      return 'the broker wants a client certificate; give one with its key';
    case 'HANDSHAKE_FAILURE':
      // Up to TLS 1.2 there is no word of its own for a missing certificate; that one is asked for after the broker has shown its own.
      if (peer === undefined)
        return 'the broker and we have no TLS version, cipher or signature in common; its settings need to be newer';
      return hasClientCertificate
        ? 'the broker refused our client certificate without a reason'
        : 'the broker wants a client certificate; give one with its key';
    case 'UNKNOWN_CA':
      return 'the broker refused our client certificate: it does not trust the authority that signed it';
    case 'CERTIFICATE_EXPIRED':
      return 'the broker refused our client certificate: it has expired; renew it';
    case 'CERTIFICATE_REVOKED':
      return 'the broker refused our client certificate: it was revoked';
    case 'BAD_CERTIFICATE':
    case 'UNSUPPORTED_CERTIFICATE':
    case 'CERTIFICATE_UNKNOWN':
    case 'ACCESS_DENIED':
    case 'DECRYPT_ERROR':
      return hasClientCertificate
        ? 'the broker refused our client certificate; is it signed by an authority that the broker trusts, and meant for clients?'
        : 'the broker wants a client certificate; give one with its key';
    case 'PROTOCOL_VERSION':
      return 'the broker speaks only versions of TLS that are too old; 1.2 is the least';
    case 'UNRECOGNIZED_NAME':
      return 'the broker has no certificate for the name that we asked for; give the right one as server name';
    default:
      return undefined;
  }
}

/** There is something else than TLS, or one that is too old. */
function misunderstanding(code: string): string | undefined {
  switch (code) {
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_HTTP_REQUEST':
      return 'what answers there is not TLS; is it the port without TLS? (amqp:// and amqp091:// are for that)';
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
    case 'ERR_SSL_VERSION_TOO_LOW':
      return 'the broker speaks only versions of TLS that are too old; 1.2 is the least';
    case 'ERR_SSL_EE_KEY_TOO_SMALL':
    case 'ERR_SSL_CA_KEY_TOO_SMALL':
    case 'ERR_SSL_DH_KEY_TOO_SMALL':
    case 'ERR_SSL_CA_MD_TOO_WEAK':
      return "the broker's key or signature is too weak for today; it must be renewed there";
    default:
      return undefined;
  }
}

function failed(where: string, text: string, cause: unknown): QmfError {
  return new QmfError('tls_failed', `${where}: ${text}`, cause === undefined ? {} : { cause });
}

function issuerOf(peer: PeerCertificate | undefined): string {
  // The typings promise text; a name may have none, or several of a kind.
  const issuer: Readonly<Record<string, string | string[] | undefined>> = peer?.issuer ?? {};
  return [issuer['CN'] ?? issuer['O'] ?? 'unnamed'].flat().join(', ');
}

function expiry(peer: PeerCertificate | undefined): string {
  return peer !== undefined && Date.parse(peer.valid_to) < Date.now() ? ` on ${peer.valid_to}` : '';
}

/** The names of a certificate: those that count, or else the one of old. */
function namesOf(peer: PeerCertificate | undefined): string {
  const names = peer?.subjectaltname?.replace(/\b(DNS|IP Address|URI|email):/g, '');
  if (names !== undefined && names !== '') return names;
  const subject: Readonly<Record<string, string | string[] | undefined>> = peer?.subject ?? {};
  const common = subject['CN'];
  return common === undefined
    ? 'nobody'
    : `${[common].flat().join(', ')} by its common name alone, which no longer counts`;
}

function reasonOf(error: unknown): string {
  const reason: unknown =
    typeof error === 'object' && error !== null && 'reason' in error ? error.reason : undefined;
  return typeof reason === 'string' ? reason : textOf(error).split('\n', 1).join('');
}
