import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { failure } from '../testing/poll.test.fixture.js';
import { certificate } from '../testing/tls-front.test.fixture.js';
import { parseBrokerUrl } from './broker-url.js';
import { checkBusFiles, readBusFlags } from './command-line.js';
import { credentialsFor } from './credentials.js';

describe('readBusFlags', () => {
  it('gives nothing for nothing', () => {
    expect(readBusFlags({}, {}, 'X')).to.deep.equal({});
    expect(readBusFlags({}, { X_USER: '', X_PASSWORD: '', X_KEY_PASSPHRASE: 'unused' }, 'X')).to.deep.equal(
      {},
    );
  });

  it('takes every option', () => {
    const flags = {
      ca: 'ca.pem',
      cert: 'cert.pem',
      key: 'key.pem',
      serverName: 'broker.test',
      sasl: 'scram-sha-256',
      passwordFile: 'password',
      protocol: '0-9-1',
      dialect: 'broker-j',
      idleTimeout: '5',
    };
    expect(readBusFlags(flags, { X_KEY_PASSPHRASE: 'open', X_USER: 'me' }, 'X')).to.deep.equal({
      tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem', servername: 'broker.test', passphrase: 'open' },
      sasl: 'scram-sha-256',
      passwordFile: 'password',
      protocol: '0-9-1',
      dialect: 'broker-j',
      idleTimeout: 5_000,
      user: 'me',
    });
  });

  it('prefers a password file that is an option to the environment, and a password there to a file there', () => {
    const env = { X_PASSWORD: 'p', X_PASSWORD_FILE: 'f' };
    expect(readBusFlags({ passwordFile: 'option' }, env, 'X')).to.deep.equal({ passwordFile: 'option' });
    expect(readBusFlags({}, env, 'X')).to.deep.equal({ password: 'p' });
    expect(readBusFlags({}, { X_PASSWORD_FILE: 'f' }, 'X')).to.deep.equal({ passwordFile: 'f' });
  });

  for (const [flags, complaint] of [
    [{ sasl: 'gssapi' }, /--sasl: 'gssapi' is not known; write one of anonymous, plain/],
    [{ protocol: '0-10' }, /--protocol: '0-10' is not known; write one of 1\.0, 0-9-1/],
    [{ dialect: 'kafka' }, /--dialect: 'kafka' is not known; write one of qpidd, broker-j/],
    [{ idleTimeout: '1' }, /--idle-timeout: '1' is no number of seconds from 2 to 3600/],
    [{ idleTimeout: '5s' }, /--idle-timeout: '5s' is no number/],
  ] as const) {
    it(`refuses ${JSON.stringify(flags)}`, () => {
      expect(() => readBusFlags(flags, {}, 'X')).to.throw(QmfError, complaint);
    });
  }
});

describe('credentials', () => {
  let directory: string;
  const warnings: string[] = [];
  const file = (content: string, mode = 0o600): string => {
    const path = join(directory, 'password');
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  };
  const credentials = (url: string, options: Parameters<typeof credentialsFor>[1]) =>
    credentialsFor(parseBrokerUrl(url), options, text => warnings.push(text));

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'credentials-test-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  const me = { user: 'me', password: 'a:b' };
  for (const [what, url, options, result] of [
    ['of the address win', 'amqp://me:a%3Ab@h', { user: 'x', password: 'y' }, me],
    ['come from the options otherwise', 'amqp://h', me, me],
    ['take the user of the address', 'amqp://me@h', { password: 'a:b' }, me],
    ['of somebody else are kept back', 'amqp://you@h', me, { user: 'you' }],
    ['may be none', 'amqp://h', {}, {}],
  ] as const) {
    it(what, async () => expect(await credentials(url, options)).to.deep.equal(result));
  }

  for (const [content, url, options] of [
    ['me:a:b\n', 'amqp://h', {}],
    ['a:b', 'amqp://me@h', {}],
    ['a:b\r\nsomething else\n', 'amqp://h', { user: 'me' }],
  ] as const) {
    it(`come from a file that holds ${JSON.stringify(content)}`, async () => {
      expect(await credentials(url, { ...options, passwordFile: file(content) })).to.deep.equal(me);
    });
  }

  for (const [what, content, complaint] of [
    ['an empty file', '', /its first line is empty/],
    ['an empty first line', '\nhush', /its first line is empty/],
    ['a password without a user', 'hush', /names no user; write user:password there/],
    ['a password after nothing', ':hush', /names no user/],
  ] as const) {
    it(`refuse ${what}, without repeating it`, async () => {
      const error = await failure(credentials('amqp://h', { passwordFile: file(content) }));
      expect(error.message).to.match(complaint).and.not.include('hush');
      expect(error).to.include({ code: 'invalid_argument' });
    });
  }

  it('refuse a password without a user, and a file that is not there', async () => {
    expect((await failure(credentials('amqp://h', { password: 'hush' }))).message)
      .to.match(/but no user/)
      .and.not.include('hush');
    expect((await failure(credentials('amqp://h', { passwordFile: '/nowhere/p' }))).message).to.match(
      /password file \/nowhere\/p cannot be read: there is no such file/,
    );
  });

  it('warn of a file that everybody can read', async () => {
    warnings.length = 0;
    await credentials('amqp://me@h', { passwordFile: file('p', 0o640) });
    expect(warnings).to.deep.equal([]);
    await credentials('amqp://me@h', { passwordFile: file('p', 0o644) });
    expect(warnings[0]).to.match(/every user of this machine can read the password file/);
  });

  it('are read anew each time', async () => {
    const passwordFile = file('first');
    expect((await credentials('amqp://me@h', { passwordFile })).password).to.equal('first');
    file('second');
    expect((await credentials('amqp://me@h', { passwordFile })).password).to.equal('second');
  });

  it('and all other secrets are known to checkBusFiles, once each', async () => {
    const brokers = ['amqps://a:one@h', 'amqps://b:one@h', 'amqps://c@h'].map(parseBrokerUrl);
    const tls = {
      cert: certificate('client.pem'),
      key: certificate('client-locked.key'),
      passphrase: 'open sesame',
    };
    expect(await checkBusFiles(brokers, { tls, passwordFile: file('two') })).to.deep.equal([
      'open sesame',
      'one',
      'two',
    ]);
    expect(await failure(checkBusFiles(brokers, { tls: { ca: '/nowhere' } }))).to.include({
      code: 'invalid_argument',
    });
  });
});
