import { expect } from 'chai';
import { describe, it } from 'mocha';
import { isTlsAlert, type TlsContext, tlsFailure } from './tls-failure.js';

const where = 'amqps://broker.test:5671';
const without: TlsContext = { where, name: 'broker.test', hasClientCertificate: false, peer: undefined };
const withOne: TlsContext = { ...without, hasClientCertificate: true };

describe('tlsFailure', () => {
  // The alerts that brokers send; those that Node.js itself sends as a server are in tls.test.ts.
  for (const [code, context, text] of [
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', withOne, /does not trust the authority that signed it/],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', withOne, /client certificate: it has expired; renew it/],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', withOne, /client certificate: it was revoked/],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', withOne, /refused our client certificate; is it signed by/],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', withOne, /refused our client certificate; is it signed by/],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', without, /wants a client certificate/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', without, /wants a client certificate/],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', without, /versions of TLS that are too old/],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', without, /versions of TLS that are too old/],
    ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', without, /TLS failed/],
    ['ERR_SSL_EE_KEY_TOO_SMALL', without, /too weak for today/],
    ['CERT_NOT_YET_VALID', without, /not valid yet; is this machine's clock right\?/],
    ['CERT_REVOKED', without, /was revoked; it must be replaced there/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', without, /an authority that is not trusted \(unnamed\)/],
    ['ERR_SSL_SOMETHING_NEW', without, /TLS failed: a new way/],
  ] as const) {
    it(`tells ${code} ${context.hasClientCertificate ? 'with' : 'without'} a client certificate`, () => {
      const cause = Object.assign(new Error('in the words of OpenSSL'), { code, reason: 'a new way' });
      const error = tlsFailure(cause, context);
      expect(error).to.include({ code: 'tls_failed', retryable: false, cause });
      expect(error?.message).to.match(text).and.include(where);
    });
  }

  it('leaves alone what is not about TLS', () => {
    for (const cause of [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), new Error('y'), undefined])
      expect(tlsFailure(cause, without)).to.equal(undefined);
  });

  it('knows an alert by its first bytes', () => {
    expect(isTlsAlert(Buffer.from('15030300020246', 'hex'))).to.equal(true);
    for (const bytes of ['', '15', '414d5150', '16030300'])
      expect(isTlsAlert(Buffer.from(bytes, 'hex'))).to.equal(false);
  });
});
