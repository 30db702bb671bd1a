import { expect } from 'chai';
import { describe, it } from 'mocha';
import { QmfError } from '../../errors.js';
import { checkLogin, chooseMechanism, type Login } from './choose.js';

const nobody: Login = { hasClientCertificate: false };
const alice: Login = { user: 'alice', password: 'hush-hush', hasClientCertificate: false };
const certified: Login = { hasClientCertificate: true };
const guest: Login = { ...alice, isGuest: true };

describe('chooseMechanism', () => {
  for (const [who, login, offered, chosen] of [
    ['nobody', nobody, 'PLAIN ANONYMOUS', 'ANONYMOUS'],
    ['a user', alice, 'PLAIN ANONYMOUS', 'PLAIN'],
    ['a user', alice, 'ANONYMOUS PLAIN CRAM-MD5 SCRAM-SHA-1', 'SCRAM-SHA-1'],
    ['a user', alice, 'PLAIN SCRAM-SHA-1 SCRAM-SHA-256', 'SCRAM-SHA-256'],
    ['a user', alice, 'SCRAM-SHA-256 SCRAM-SHA-512', 'SCRAM-SHA-512'],
    ['a user with a certificate', { ...alice, hasClientCertificate: true }, 'EXTERNAL PLAIN', 'PLAIN'],
    ['a user with a certificate', { ...alice, hasClientCertificate: true }, 'EXTERNAL', 'EXTERNAL'],
    ['a user without password', { ...nobody, user: 'alice' }, 'PLAIN ANONYMOUS', 'ANONYMOUS'],
    ['a user without password', { ...nobody, user: 'alice' }, 'PLAIN', 'PLAIN'],
    ['a certificate', certified, 'ANONYMOUS EXTERNAL', 'EXTERNAL'],
    ['a certificate', certified, 'ANONYMOUS PLAIN', 'ANONYMOUS'],
    ['a guest', guest, 'PLAIN ANONYMOUS', 'PLAIN'],
    ['a guest', guest, 'ANONYMOUS', 'ANONYMOUS'],
    ['a guest with a certificate', { ...guest, hasClientCertificate: true }, 'PLAIN EXTERNAL', 'EXTERNAL'],
    ['a user who wants PLAIN', { ...alice, sasl: 'plain' }, 'SCRAM-SHA-256 PLAIN', 'PLAIN'],
    ['a user who wants to be nobody', { ...alice, sasl: 'anonymous' }, 'PLAIN ANONYMOUS', 'ANONYMOUS'],
  ] as const satisfies readonly (readonly [string, Login, string, string])[]) {
    it(`has ${who} log in by ${chosen} where there is ${offered}`, () => {
      expect(chooseMechanism('amqp://h:1', offered.split(' '), login).mechanism).to.equal(chosen);
    });
  }

  for (const [who, login, offered, complaint] of [
    ['nobody', nobody, 'PLAIN', 'amqp://h:1 offers only PLAIN; give a user and a password'],
    [
      'nobody',
      nobody,
      'SCRAM-SHA-256 GSSAPI',
      'offers only SCRAM-SHA-256, GSSAPI; give a user and a password',
    ],
    ['nobody', nobody, 'EXTERNAL', 'offers only EXTERNAL; give a client certificate, and use TLS'],
    ['nobody', nobody, '', 'offers no way to log in'],
    ['a user', alice, 'ANONYMOUS', 'offers only ANONYMOUS; none of it is possible with what was given'],
    ['a user', alice, 'EXTERNAL', 'give a client certificate'],
    [
      'a user who wants SCRAM',
      { ...alice, sasl: 'scram-sha-512' },
      'PLAIN SCRAM-SHA-1',
      "offers only PLAIN, SCRAM-SHA-1; 'scram-sha-512' was asked for",
    ],
  ] as const satisfies readonly (readonly [string, Login, string, string])[]) {
    it(`tells ${who} what the broker offers: ${offered === '' ? 'nothing' : offered}`, () => {
      const offers = offered.split(' ').filter(name => name !== '');
      expect(() => chooseMechanism('amqp://h:1', offers, login))
        .to.throw(QmfError, complaint)
        .with.property('code', 'not_authorised');
    });
  }
});

describe('checkLogin', () => {
  for (const [what, login, complaint] of [
    ['EXTERNAL without certificate', { ...nobody, sasl: 'external' }, /is by client certificate/],
    ['PLAIN without password', { ...nobody, user: 'u', sasl: 'plain' }, /needs a user and a password/],
    ['SCRAM without user', { ...nobody, sasl: 'scram-sha-256' }, /'scram-sha-256' needs a user/],
    ['a NUL', { ...alice, password: 'hush\0hush' }, /NUL character/],
  ] as const satisfies readonly (readonly [string, Login, RegExp])[]) {
    it(`refuses ${what}`, () => {
      expect(() => checkLogin('amqp://h:1', login))
        .to.throw(QmfError, complaint)
        .with.property('code', 'invalid_argument');
    });
  }
});
