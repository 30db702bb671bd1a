import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { failure } from '../../testing/poll.test.fixture.js';
import { scramServer } from '../../testing/scram-server.test.fixture.js';
import type { SaslExchange } from './exchange.js';
import { scram } from './scram.js';

const text = (bytes: Buffer): string => bytes.toString('utf8');

describe('SCRAM', () => {
  // The examples of RFC 5802 §5 and RFC 7677 §3.
  for (const [mechanism, nonce, first, final, last] of [
    [
      'SCRAM-SHA-1',
      'fyko+d2lbbFgONRv9qkxdawL',
      'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
      'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
      'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    ],
    [
      'SCRAM-SHA-256',
      'rOprNGfwEbeRWgbNEkqO',
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    ],
  ] as const) {
    it(`${mechanism} says what its RFC has as example`, async () => {
      const exchange = scram(mechanism, 'user', 'pencil', nonce);
      expect(text(exchange.initial())).to.equal(`n,,n=user,r=${nonce}`);
      expect(text(await exchange.answer(Buffer.from(first)))).to.equal(final);
      exchange.conclude(Buffer.from(last));
    });
  }

  it('takes the proof of the broker as a last challenge too, once', async () => {
    const exchange = scram('SCRAM-SHA-512', 'u', 'p');
    const server = scramServer('SCRAM-SHA-512', 'p', text(exchange.initial()));
    const final = text(await exchange.answer(Buffer.from(server.first)));
    const last = Buffer.from(server.last(final));
    expect(await exchange.answer(last)).to.have.length(0);
    exchange.conclude(undefined);
    expect((await failure(exchange.answer(last))).message).to.include('went on asking');
  });

  it('works with any user and password', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.stringMatching(/^[ -~]{1,20}$/),
        fc.stringMatching(/^[ -~äß€]{1,20}$/),
        async (user, password) => {
          const exchange = scram('SCRAM-SHA-256', user, password);
          const initial = text(exchange.initial());
          expect(initial.split(',')).to.have.length(4); // nothing of the user's splits it
          const server = scramServer('SCRAM-SHA-256', password.normalize('NFKC'), initial);
          exchange.conclude(Buffer.from(server.last(text(await exchange.answer(Buffer.from(server.first))))));
        },
      ),
      { numRuns: 20 },
    );
  });

  const start = (): readonly [SaslExchange, string] => {
    const exchange = scram('SCRAM-SHA-256', 'u', 'hush-hush');
    return [exchange, /r=(.*)$/.exec(text(exchange.initial()))?.[1] ?? ''];
  };

  for (const [what, challenge, complaint] of [
    ['a nonce of somebody else', () => 'r=other,s=YQ==,i=4096', /nonce/],
    ['the nonce thrown back', (nonce: string) => `r=${nonce},s=YQ==,i=4096`, /nonce/],
    ['no salt', (nonce: string) => `r=${nonce}x,s=,i=4096`, /no salt/],
    ['few iterations', (nonce: string) => `r=${nonce}x,s=YQ==,i=4095`, /asks for 4095 iterations; 4096 to/],
    ['endless iterations', (nonce: string) => `r=${nonce}x,s=YQ==,i=999999999`, /iterations/],
    ['no iterations', (nonce: string) => `r=${nonce}x,s=YQ==`, /asks for no iterations/],
    ['an extension', (nonce: string) => `m=x,r=${nonce}x,s=YQ==,i=4096`, /extension/],
    ['nothing', () => '', /nonce/],
  ] as const) {
    it(`ends when the broker sends ${what}`, async () => {
      const [exchange, nonce] = start();
      const error = await failure(exchange.answer(Buffer.from(challenge(nonce))));
      expect(error.message).to.match(complaint).and.not.include('hush');
    });
  }

  for (const [what, data, complaint] of [
    ['another signature', Buffer.from(`v=${Buffer.alloc(32).toString('base64')}`), /may be an impostor/],
    ['half a signature', Buffer.from('v=AAAA'), /may be an impostor/],
    ['no proof at all', undefined, /may be an impostor/],
    ['an error', Buffer.from('e=other-error'), /says 'other-error'/],
  ] as const) {
    it(`ends when the broker lets us in with ${what}`, async () => {
      const [exchange, nonce] = start();
      await exchange.answer(Buffer.from(`r=${nonce}x,s=YQ==,i=4096`));
      expect(() => exchange.conclude(data)).to.throw(complaint);
    });
  }

  it('ends when the broker lets us in before anything was proven', () => {
    expect(() => start()[0].conclude(undefined)).to.throw(/skipped the proof/);
  });

  it('prepares what is not ASCII, and refuses control characters without repeating them', () => {
    expect(text(scram('SCRAM-SHA-1', 'I\u00adX\u00a0\u2168', 'p', 'n').initial())).to.equal('n,,n=IX IX,r=n');
    expect(() => scram('SCRAM-SHA-1', 'x\u0007hush', 'p'))
      .to.throw(/control characters/)
      .and.not.match(/hush/);
  });
});
