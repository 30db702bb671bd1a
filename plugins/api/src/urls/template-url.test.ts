import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { BuildError } from '../errors.js';
import { templateUrl } from './template-url.js';

describe('templateUrl', () => {
  for (const [given, text, host] of [
    ['http://mirror.example/debian', 'http://mirror.example/debian', 'mirror.example'],
    ['HTTPS://Mirror.Example:443/Debian/', 'https://mirror.example/Debian/', 'mirror.example'],
    ['http://mirror.example:8080', 'http://mirror.example:8080', 'mirror.example'],
    ['http://mirror.example./d', 'http://mirror.example/d', 'mirror.example'],
    ['http://me:p%40ss@mirror.example/d', 'http://me:p%40ss@mirror.example/d', 'mirror.example'],
    ['http://2130706433/d', 'http://127.0.0.1/d', '127.0.0.1'],
    ['http://0x7f.1/d', 'http://127.0.0.1/d', '127.0.0.1'],
    ['http://017700000001/d', 'http://127.0.0.1/d', '127.0.0.1'],
    ['http://127.1./d', 'http://127.0.0.1/d', '127.0.0.1'],
    ['http://[::FFFF:10.0.0.1]/d', 'http://[::ffff:a00:1]/d', '::ffff:a00:1'],
    ['http://[0:0::1]:80/d', 'http://[::1]/d', '::1'],
  ] as const) {
    it(`reads ${given}`, () => expect(templateUrl(given, '/x')).to.deep.equal({ text, host, element: '/x' }));
  }

  for (const given of [
    'file:///etc',
    'FILE:/etc',
    'copy:/etc',
    'cdrom:[x]/',
    'ftp://mirror.example/d',
    'mirror+http://mirror.example/list',
    'mirror+file:/etc/list',
    'tor+http://mirror.example/d',
    'rsh://host/d',
    'ssh:host',
  ]) {
    it(`refuses the scheme of ${given}`, () =>
      expect(() => templateUrl(given, '/x'))
        .to.throw(BuildError, /^\/x: [a-z+]+: is not fetched from.*http or https$/)
        .with.property('code', 'template_invalid'));
  }

  for (const given of [
    '',
    'mirror.example/debian',
    'http:/mirror.example/d',
    'http:mirror.example',
    'http:///d',
    'http://',
    'http://public.example\\@127.0.0.1/',
    'http://a@b@127.0.0.1/',
    'http://public.example/d http://127.0.0.1/',
    'http://public.example/d\nURIs: http://127.0.0.1/',
    'http://public.example/d\u2028',
    'http://pub\tlic.example/',
    'http://127.0.0.1%2f@public.example\t/',
    'http://127%2e0.0.1/',
    'http://１２７.0.0.1/',
    'http://ⓛocalhost/',
    'http://[fe80::1%25eth0]/',
    'http://[::1/',
    'http://1.2.3.4.5/',
    'http://256.1.1.1/',
    'http://mirror.example:99999/',
    'http://a..b/',
    'http://a.example../',
    'http://0x7f.1../',
    'http://./',
  ]) {
    it(`refuses ${JSON.stringify(given)}`, () =>
      expect(() => templateUrl(given, '/x')).to.throw(BuildError, /^\/x: /));
  }

  it('gives a text that every reader reads alike, and reads it again as the same', () => {
    const piece = fc.constantFrom(
      ...[
        'http://',
        'https://',
        'a.example',
        '127.0.0.1',
        '0x7f.1',
        '[::1]',
        '@',
        ':',
        '/',
        '\\',
        '%2f',
        '#',
        '?',
      ],
      ...['.', '\t', ' ', '80', 'user', '１'],
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), pieces => {
        let read;
        try {
          read = templateUrl(pieces.join(''), '/x');
        } catch (error) {
          expect(error).to.be.instanceOf(BuildError);
          return;
        }
        const place = /^https?:\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^/?#:@]*)/.exec(read.text)?.[1];
        expect(place?.replace(/^\[|\]$/g, '')).to.equal(read.host);
        expect(new URL(read.text).hostname.replace(/^\[|\]$/g, '')).to.equal(read.host);
        expect(templateUrl(read.text, '/x')).to.deep.equal(read);
      }),
      { numRuns: 2000 },
    );
  });
});
