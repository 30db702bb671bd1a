import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { maskArguments, shownUrl } from '@imagefactory/text';
import { type BrokerAddress, describeBroker, parseBrokerList, parseBrokerUrl } from './broker-url.js';

const plain = { scheme: 'amqp', host: 'localhost', port: 5672 } as const;

describe('parseBrokerUrl', () => {
  const good: readonly (readonly [string, BrokerAddress])[] = [
    ['localhost', plain],
    ['localhost:1234', { ...plain, port: 1234 }],
    ['  localhost:1234\n', { ...plain, port: 1234 }],
    ['localhost:80', { ...plain, port: 80 }],
    ['amqp://localhost', plain],
    ['AMQP://localhost', plain],
    ['amqp://localhost/', plain],
    ['amqps://broker.example.com', { scheme: 'amqps', host: 'broker.example.com', port: 5671 }],
    ['amqp091://h', { scheme: 'amqp091', host: 'h', port: 5672 }],
    ['AMQP091S://u@h/v', { scheme: 'amqp091s', host: 'h', port: 5671, user: 'u', vhost: 'v' }],
    ['amqps://h:80', { scheme: 'amqps', host: 'h', port: 80 }],
    ['[::1]:5673', { ...plain, host: '::1', port: 5673 }],
    ['[::1]', { ...plain, host: '::1' }],
    ['amqp://u@[fe80::1]/v', { ...plain, host: 'fe80::1', user: 'u', vhost: 'v' }],
    [
      'amqp://guest:guest@localhost:5672/vhost',
      { ...plain, user: 'guest', password: 'guest', vhost: 'vhost' },
    ],
    ['amqp://u:p%40ss%2Fw%3Ard@h', { ...plain, host: 'h', user: 'u', password: 'p@ss/w:rd' }],
    ['amqp://h/a/../b', { ...plain, host: 'h', vhost: 'a/../b' }],
    ['amqp://h/a/%2e%2E/./b', { ...plain, host: 'h', vhost: 'a/.././b' }],
    ['amqp://h/.', { ...plain, host: 'h', vhost: '.' }],
    ['amqp://h//', { ...plain, host: 'h', vhost: '/' }],
    ['amqp://u@[fe80::1%25lo]:5/v', { ...plain, host: 'fe80::1%lo', port: 5, user: 'u', vhost: 'v' }],
    ['[fe80::1%eth0.5]', { ...plain, host: 'fe80::1%eth0.5' }],
    ['amqp://us%20er:p@h/a%2Fb', { ...plain, host: 'h', user: 'us er', password: 'p', vhost: 'a/b' }],
    ['amqp://u:p@ss@h', { ...plain, host: 'h', user: 'u', password: 'p@ss' }],
    ['amqp://u:p:q@h', { ...plain, host: 'h', user: 'u', password: 'p:q' }],
    ['h/a/../b', { ...plain, host: 'h', vhost: 'a/../b' }],
    ['h//', { ...plain, host: 'h', vhost: '/' }],
    ['[fe80::1%25lo]:1', { ...plain, host: 'fe80::1%lo', port: 1 }],
    ['[fe80::1%eth0.5]', { ...plain, host: 'fe80::1%eth0.5' }],
    ['u:p@h:1', { ...plain, host: 'h', port: 1, user: 'u', password: 'p' }],
  ];
  for (const [text, address] of good) {
    it(`reads ${JSON.stringify(text)}`, () => expect(parseBrokerUrl(text)).to.deep.equal(address));
  }

  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /cannot be read/],
    ['http://localhost', /scheme 'http' is not known/],
    ['amqp10://h', /scheme 'amqp10' is not known/],
    ['constructor://h', /scheme 'constructor' is not known/],
    ['localhost:99999', /cannot be read/],
    ['localhost:0', /port 0/],
    ['localhost:abc', /cannot be read/],
    ['amqp://', /cannot be read/],
    ['amqp://h?x=1', /options/],
    ['amqp://h#x', /options/],
    ['amqp://h/%zz', /virtual host holds a %/],
    ['amqp://%zz@h', /user holds a %/],
    ['amqp://u:%@h', /password holds a %/],
    ['amqp://:secret@h', /no user/],
    ['amqp://::1', /cannot be read/],
    ['amqp://user:2024/secret@host', /user or password holds a \/, which is written %2F there/],
    ['user:2024/secret@host', /holds a \/, which is written %2F/],
    ['amqp091s://user:2024?secret@host', /holds a \?, which is written %3F/],
    ['amqps://user:2024#secret@host/v', /holds a #, which is written %23/],
    ['amqp://u:[::1]@host', /holds a \[, which is written %5B/],
    ['amqp://host/v@w', /an @ in the virtual host is %40/],
    ['amqp://u:p@host/v@w', /an @ in the virtual host is %40/],
    ['wss://u:p@h', /scheme 'wss' is not known/],
    ['two words', /white space/],
    ['h:1\\v', /backslash/],
  ];
  for (const [text, message] of bad) {
    it(`refuses ${JSON.stringify(text)} and says what to write`, () => {
      expect(() => parseBrokerUrl(text))
        .to.throw(QmfError, message)
        .with.property('code', 'invalid_argument');
      expect(() => parseBrokerUrl(text)).to.throw(/write HOST, HOST:PORT or amqp:/);
    });
  }

  it('never repeats a password, wherever it stands', () => {
    for (const text of [
      'amqp://u:hush/er@h',
      'u:hush@h:x',
      'amqp://u:hush?@h',
      'amqp://u:hush#@h',
      'x://u:hush@h',
      ' amqp://u:hu sh@h',
      'amqp://u:hush\n@h',
      'amqp://u:2024/hush@h',
      'amqp://u:20@24/hush@h',
      'amqp://hush:x@y/hush@h',
      'u:2024/hush@h',
      'wss://u:20/hush@h',
      'amqp://u:hush://x@h',
      'u:hush://x@h',
      'amqp://u:hush@h/%zz',
      'amqp://u:%hush@h',
      'amqp://u:hush@[h',
      'amqp://u:hush@h:99999',
      'amqp://u:hush@h?x',
    ]) {
      expect(() => parseBrokerUrl(text))
        .to.throw(QmfError)
        .with.property('message')
        .that.does.not.match(/hu ?sh/);
    }
  });

  it('gives an address or a typed error for any text, and describes it without user and password', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl({ validSchemes: ['amqp', 'amqps', 'amqp091', 'amqp091s'] }),
          fc.stringMatching(/^amqp:\/\/[a-z:@%[\]/0-9]*$/),
        ),
        text => {
          try {
            const address = parseBrokerUrl(text);
            const again = parseBrokerUrl(describeBroker(address));
            expect([again.scheme, again.host, again.port]).to.deep.equal([
              address.scheme,
              address.host,
              address.port,
            ]);
            expect(again).to.not.have.any.keys('user', 'password');
          } catch (error) {
            if (!(error instanceof QmfError)) throw error;
            expect(error.code).to.equal('invalid_argument');
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('shownUrl', () => {
  it('shows nothing of what stands before the last @, whatever it holds', () => {
    fc.assert(
      fc.property(fc.constantFrom('amqp://', 'wss://', ''), fc.string(), (scheme, secret) => {
        expect(shownUrl(`${scheme}hush${secret}hush@host/v`)).to.equal(`${scheme}***@host/v`);
      }),
    );
    expect(shownUrl('https://host/a?token=hush')).to.equal('https://host/a?…');
    expect(shownUrl(`amqp://host/${'v'.repeat(500)}`)).to.have.lengthOf(200);
    expect(shownUrl('amqp://ho\u001b[2Jst')).to.equal('amqp://ho [2Jst');
  });

  it('masks the URLs of a command line that a message quotes', () => {
    for (const [word, shown] of [
      ['amqp://u:2024/hu@sh@h:1', 'amqp://***@h:1'],
      ['--broker=amqp://u:hu sh@h', '***@h'],
      ['u:hush@h', '***@h'],
      ['h:5672', 'h:5672'],
    ] as const)
      expect(maskArguments(`unknown command '${word}', no @`, ['x', word])).to.equal(
        `unknown command '${shown}', no @`,
      );
  });
});

describe('parseBrokerList', () => {
  it('reads one, or several in their order', () => {
    expect(parseBrokerList('localhost')).to.deep.equal([plain]);
    expect(parseBrokerList('amqps://u:a%2Cb@a/v, b:1,amqp091://[::1]')).to.deep.equal([
      { scheme: 'amqps', host: 'a', port: 5671, user: 'u', password: 'a,b', vhost: 'v' },
      { ...plain, host: 'b', port: 1 },
      { scheme: 'amqp091', host: '::1', port: 5672 },
    ]);
  });

  for (const [list, complaint] of [
    ['', /broker '': it cannot be read/],
    ['a,', /broker '': it cannot be read/],
    ['a,,b', /broker ''/],
    ['a,b:x', /broker 'b:x'/],
    ['a,http://b', /the scheme 'http' is not known/],
  ] as const) {
    it(`refuses ${JSON.stringify(list)}`, () => {
      expect(() => parseBrokerList(list))
        .to.throw(QmfError, complaint)
        .with.property('code', 'invalid_argument');
    });
  }

  it('takes no password that holds a comma for brokers', () => {
    for (const list of ['amqp://u:2024,hush@h', 'u:2024,hush@h', 'a,u:1,2@h', 'amqp://u:p@1,hush@h'])
      expect(() => parseBrokerList(list)).to.throw(QmfError, /a comma in a user or password is %2C/);
    expect(parseBrokerList('me@a,amqp://me@b')).to.have.lengthOf(2);
  });

  it('never repeats a password that holds a comma', () => {
    for (const list of [
      'amqp://u:hush,hush@h',
      'a,amqp://u:hush,hush,hush@h',
      'amqp://u:x@h:y,u:hush,b@h',
      'amqp://u:hush,amqp://u:x@h',
      'amqp://u:1,amqp://u/hush@h',
    ]) {
      expect(() => parseBrokerList(list))
        .to.throw(QmfError, /%2C for a comma/)
        .with.property('message')
        .that.does.not.include('hush');
    }
  });
});
