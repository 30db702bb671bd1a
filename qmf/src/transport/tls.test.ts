import { expect } from 'chai';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions as ServerOptions } from 'node:tls';
import { after, before, describe, it } from 'mocha';
import { startBroker } from '../broker/index.js';
import { QmfError } from '../errors.js';
import { failure } from '../testing/poll.test.fixture.js';
import {
  certificate,
  certificateBytes,
  type Front,
  listen,
  startTlsFront,
} from '../testing/tls-front.test.fixture.js';
import { startMiniBroker } from './amqp091/mini-broker.test.fixture.js';
import { parseBrokerUrl } from './broker-url.js';
import type { TlsOptions } from './dial/tls-options.js';
import { type TransportOptions, transportFor } from './transport-for.js';

const ca = certificate('ca.pem');
const client = { cert: certificate('client.pem'), key: certificate('client.key') };
/** Certificates as people join and save them; the one that is needed comes last, which OpenSSL leaves out of most of these. */
const joined = (between: string, before = ''): Buffer =>
  Buffer.concat([
    Buffer.from(before),
    Buffer.from(certificateBytes('other-ca.pem').toString().trimEnd()),
    Buffer.from(between),
    certificateBytes('ca.pem'),
  ]);
const indented = Buffer.from(certificateBytes('ca.pem').toString().replace(/^/gm, '  '));
const windows = Buffer.from(`\uFEFF${certificateBytes('ca.pem').toString().replaceAll('\n', '\r\n')}`);
/** A key with comments around it, joined to its certificate, behind a key of another. */
const bag = Buffer.concat([
  certificateBytes('server.key'),
  Buffer.from('Bag Attributes\n    friendlyName: gr\u00fcn\n', 'latin1'),
  Buffer.from(certificateBytes('client.pem').toString().trimEnd()),
  certificateBytes('client.key'),
]);
const certainly = { requestCert: true, rejectUnauthorized: true, ca: certificateBytes('ca.pem') };

interface Case {
  readonly what: string;
  readonly server: ServerOptions;
  readonly tls: TlsOptions;
  readonly host?: string;
  /** Absent: it opens. */
  readonly fails?: RegExp;
  readonly code?: string;
}

const cases: readonly Case[] = [
  { what: 'an authority that was named', server: {}, tls: { ca } },
  { what: 'an authority given as bytes', server: {}, tls: { ca: certificateBytes('ca.pem') } },
  { what: 'authorities joined without a newline', server: {}, tls: { ca: joined('') } },
  {
    what: 'authorities with comments between them',
    server: {},
    tls: { ca: joined('\n# the second one: -- \n') },
  },
  { what: 'authorities after a byte order mark', server: {}, tls: { ca: joined('\n', '\uFEFF') } },
  { what: 'an authority with a byte order mark and CRLF', server: {}, tls: { ca: windows } },
  { what: 'an authority behind blanks', server: {}, tls: { ca: indented } },
  {
    what: 'a client certificate joined to its key, behind another key',
    server: certainly,
    tls: { ca, cert: bag },
  },
  { what: 'a name instead of an address', server: {}, tls: { ca }, host: 'localhost' },
  {
    what: 'the name of the certificate for an address',
    server: { cert: certificateBytes('server-elsewhere.pem') },
    tls: { ca, servername: 'elsewhere.test' },
  },
  { what: 'an address as server name', server: {}, tls: { ca, servername: '127.0.0.1' } },
  {
    what: 'a self-signed certificate as its own authority',
    server: { cert: certificateBytes('self-signed.pem') },
    tls: { ca: certificate('self-signed.pem') },
  },
  { what: 'a client certificate', server: certainly, tls: { ca, ...client } },
  {
    what: 'a client certificate and key in one file',
    server: certainly,
    tls: { ca, cert: certificate('client-both.pem') },
  },
  {
    what: 'an encrypted key',
    server: certainly,
    tls: { ca, cert: client.cert, key: certificate('client-locked.key'), passphrase: 'open sesame' },
  },
  {
    what: 'an authority that is not trusted',
    server: {},
    tls: {},
    fails:
      /an authority that is not trusted \(Test authority\); give that authority's certificate as CA file/,
  },
  {
    what: 'another authority than the one trusted',
    server: {},
    tls: { ca: certificate('other-ca.pem') },
    fails: /an authority that is not trusted \(Test authority\)/,
  },
  {
    what: 'a self-signed certificate',
    server: { cert: certificateBytes('self-signed.pem') },
    tls: { ca },
    fails: /signed by itself, and not trusted/,
  },
  {
    what: 'an expired certificate',
    server: { cert: certificateBytes('server-expired.pem') },
    tls: { ca },
    fails: /has expired on Jan {2}1 00:00:00 2001 GMT; it must be renewed there/,
  },
  {
    what: 'a certificate of another host',
    server: { cert: certificateBytes('server-elsewhere.pem') },
    tls: { ca },
    fails: /not for 127\.0\.0\.1 but for elsewhere\.test; use one of these as address or as server name/,
  },
  {
    what: 'a certificate without the server name',
    server: {},
    tls: { ca, servername: 'elsewhere.test' },
    fails: /not for elsewhere\.test but for localhost, 127\.0\.0\.1, .*broker\.test/,
  },
  ...(['TLSv1.2', 'TLSv1.3'] as const).flatMap(version => [
    {
      what: `a client certificate that is wanted and missing (${version})`,
      server: { ...certainly, maxVersion: version },
      tls: { ca },
      fails: /wants a client certificate; give one with its key/,
    },
  ]),
  {
    what: 'a broker that is too old',
    server: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    tls: { ca },
    fails: /only versions of TLS that are too old; 1\.2 is the least/,
  },
  {
    what: 'a broker without a cipher of ours',
    server: { maxVersion: 'TLSv1.2', ciphers: 'NULL-SHA256:@SECLEVEL=0' },
    tls: { ca },
    fails: /no TLS version, cipher or signature in common/,
  },
];

const protocols = [
  ['AMQP 1.0', 'amqps', 'amqp', startBroker],
  ['AMQP 0-9-1', 'amqp091s', 'amqp091', () => startMiniBroker()],
] as const;

for (const [name, scheme, plainScheme, start] of protocols) {
  describe(`TLS under ${name}`, () => {
    let broker: { readonly url: string; stop(): Promise<void> };
    let fronts: Front[] = [];
    before(async () => {
      broker = await start();
    });
    after(async () => {
      for (const front of fronts) await front.stop();
      fronts = [];
      await broker.stop();
    });

    const front = async (server: ServerOptions): Promise<Front> => {
      const started = await startTlsFront(parseBrokerUrl(broker.url).port, server);
      fronts.push(started);
      return started;
    };
    const dial = async (url: string, options: TransportOptions): Promise<void> => {
      const wire = await transportFor(url, options).dial(AbortSignal.timeout(60_000));
      await wire.close();
    };

    for (const { what, server, tls, fails, host = '127.0.0.1', code = 'tls_failed' } of cases) {
      it(`${fails === undefined ? 'opens with' : 'explains'} ${what}`, async () => {
        const { port } = await front(server);
        const url = `${scheme}://${host}:${port}`;
        if (fails === undefined) {
          await dial(url, { tls });
          return;
        }
        const error = await failure(dial(url, { tls }));
        expect(error.message).to.match(fails).and.include(url);
        expect(error).to.be.instanceOf(QmfError).and.include({ code, retryable: false });
      });
    }

    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      it(`suspects a client certificate that is dropped without a word (${version})`, async () => {
        const { port } = await front({ ...certainly, maxVersion: version });
        const tls = { ca, ...client, cert: certificate('client-foreign.pem') };
        const error = await failure(dial(`${scheme}://127.0.0.1:${port}`, { tls }));
        expect(error).to.include({ code: 'unreachable', retryable: true });
        expect(error.message).to.match(/does it refuse our client certificate\?/);
      });
    }

    it('explains TLS to a port that is without', async () => {
      const { port } = parseBrokerUrl(broker.url);
      const error = await failure(dial(`${scheme}://127.0.0.1:${port}`, { tls: { ca } }));
      // The embedded broker hangs up on it, others answer with a header of theirs.
      expect(error.message).to.match(/is there TLS at that port\?|what answers there is not TLS/);
      const talkative = await listen(createPlainServer(socket => socket.end('AMQP\0\0\x09\x01')));
      fronts.push(talkative);
      const told = await failure(dial(`${scheme}://127.0.0.1:${talkative.port}`, { tls: { ca } }));
      expect(told).to.include({ code: 'tls_failed', retryable: false });
      expect(told.message).to.match(/what answers there is not TLS; is it the port without TLS\?/);
    });

    it('explains a port with TLS to which none is spoken', async () => {
      const { port } = await front({});
      const error = await failure(dial(`${plainScheme}://127.0.0.1:${port}`, {}));
      // Node.js hangs up on it, others send an alert.
      expect(error).to.include({ code: 'unreachable' });
      expect(error.message).to.include(`is it a port for TLS? ${scheme}:// is for that`);
      const alerting = await listen(
        createPlainServer(socket => socket.end(Buffer.from('15030300020246', 'hex'))),
      );
      fronts.push(alerting);
      const told = await failure(dial(`${plainScheme}://127.0.0.1:${alerting.port}`, {}));
      expect(told).to.include({ code: 'tls_failed', retryable: false });
      expect(told.message).to.include(`it answers with TLS; write ${scheme}:// for that`);
    });

    it('can be cancelled while TLS is set up', async () => {
      const silent = await listen(createPlainServer(socket => socket.resume()));
      fronts.push(silent);
      const url = `${scheme}://127.0.0.1:${silent.port}`;
      const error = await failure(transportFor(url).dial(AbortSignal.timeout(30)));
      expect(error).to.include({ code: 'aborted' });
    });

    it('refuses options for TLS without TLS', () => {
      expect(() => transportFor(`${plainScheme}://h`, { tls: { ca } }))
        .to.throw(QmfError, `options for TLS were given, but ${plainScheme}://h:5672 is without`)
        .with.property('code', 'invalid_argument');
    });

    it('takes up a certificate that was renewed, without a new transport', async () => {
      const { port } = await front(certainly);
      const directory = mkdtempSync(join(tmpdir(), 'tls-test-'));
      const file = join(directory, 'client.pem');
      try {
        const transport = transportFor(`${scheme}://127.0.0.1:${port}`, { tls: { ca, cert: file } });
        expect(await failure(transport.dial(AbortSignal.timeout(60_000)))).to.include({
          code: 'invalid_argument',
        });
        writeFileSync(file, certificateBytes('client-both.pem'));
        await (await transport.dial(AbortSignal.timeout(60_000))).close();
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  });
}

describe('TLS files', () => {
  for (const [what, tls, complaint] of [
    [
      'a file that is not there',
      { ca: '/nowhere/ca.pem' },
      /TLS CA file \/nowhere\/ca\.pem cannot be read: there is no such file/,
    ],
    ['a directory', { ca: tmpdir() }, /cannot be read: it is a directory/],
    [
      'a CA file without certificates',
      { ca: certificate('README.md') },
      /README\.md holds no certificate in PEM form/,
    ],
    [
      'bytes that only look like a certificate',
      { ca: Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n') },
      /the TLS CA: certificate 1 cannot be read/,
    ],
    [
      'a bundle that was cut off',
      { ca: joined('\n').subarray(0, -100) },
      /the TLS CA holds a PEM block without its END line/,
    ],
    [
      'a bundle in which one certificate was cut off',
      { ca: Buffer.concat([certificateBytes('other-ca.pem').subarray(0, 200), certificateBytes('ca.pem')]) },
      /the TLS CA holds a PEM block without its END line/,
    ],
    [
      'a bundle in UTF-16',
      { ca: Buffer.from(`\uFEFF${certificateBytes('ca.pem').toString()}`, 'utf16le') },
      /the TLS CA is UTF-16; save it as UTF-8/,
    ],
    ['a device', { ca: '/dev/zero' }, /cannot be read: it is a device/],
    ['a certificate without a key', { cert: client.cert }, /client\.pem holds no private key/],
    ['a key without a certificate', { key: client.key }, /of no use without its certificate/],
    [
      'the key of another certificate',
      { cert: client.cert, key: certificate('server.key') },
      /server\.key is not the private key of the TLS client certificate file .*client\.pem/,
    ],
    [
      'an encrypted key without passphrase',
      { cert: client.cert, key: certificate('client-locked.key') },
      /encrypted, and no passphrase was given/,
    ],
    [
      'an encrypted key with a wrong passphrase',
      { cert: client.cert, key: certificate('client-locked.key'), passphrase: 'hush-hush' },
      /cannot be read; is the passphrase the right one\?/,
    ],
  ] as const) {
    it(`are checked before anything is dialled: ${what}`, async () => {
      // Nobody listens at that port, which is not what is complained of.
      const error = await failure(
        transportFor('amqps://127.0.0.1:1', { tls }).dial(AbortSignal.timeout(60_000)),
      );
      expect(error.message).to.match(complaint).and.not.include('hush-hush');
      expect(error).to.include({ code: 'invalid_argument' });
    });
  }
});
