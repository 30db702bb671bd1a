import { expect } from 'chai';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { parseBrokerUrl } from './broker-url.js';
import { transportFor, type TransportOptions, transportsFor } from './transport-for.js';

describe('transportFor', () => {
  for (const [broker, options, description, bodyForm] of [
    ['h', {}, 'amqp://h:5672', undefined],
    ['amqps://h', {}, 'amqps://h:5671', undefined],
    ['amqp091://u:p@h/v', {}, 'amqp091://h:5672/v', 'data'],
    ['amqp091s://h', {}, 'amqp091s://h:5671', 'data'],
    ['amqp://h', { protocol: '0-9-1' }, 'amqp091://h:5672', 'data'],
    ['amqps://h', { protocol: '0-9-1' }, 'amqp091s://h:5671', 'data'],
    ['amqp091://h', { protocol: '1.0' }, 'amqp://h:5672', undefined],
    ['amqp091s://h', { protocol: '1.0' }, 'amqps://h:5671', undefined],
    ['h', { bodyForm: 'data' }, 'amqp://h:5672', 'data'],
    // Bytes are all that AMQP 0-9-1 has.
    ['amqp091://h', { bodyForm: 'value' }, 'amqp091://h:5672', 'data'],
  ] as const satisfies readonly (readonly [string, TransportOptions, string, string | undefined])[]) {
    it(`makes ${description} of ${broker} and ${JSON.stringify(options)}`, () => {
      for (const form of [broker, parseBrokerUrl(broker)]) {
        const transport = transportFor(form, options);
        expect([transport.description, transport.bodyForm]).to.deep.equal([description, bodyForm]);
      }
    });
  }

  it('refuses what cannot be read', () => {
    expect(() => transportFor('http://h')).to.throw(QmfError, /scheme/);
  });
});

describe('transportsFor', () => {
  const described = (brokers: Parameters<typeof transportsFor>[0]): string[] =>
    transportsFor(brokers).map(({ description }) => description);

  it('keeps the order of addresses, texts and lists in texts', () => {
    expect(described('a,b:1')).to.deep.equal(['amqp://a:5672', 'amqp://b:1']);
    expect(described([parseBrokerUrl('amqps://a'), 'b,amqp091://c', 'd'])).to.deep.equal([
      'amqps://a:5671',
      'amqp://b:5672',
      'amqp091://c:5672',
      'amqp://d:5672',
    ]);
  });

  it('refuses a list without brokers, and TLS options for one that is without', () => {
    expect(() => transportsFor([])).to.throw(QmfError, 'empty');
    expect(() => transportsFor('amqps://a,b', { tls: { ca: '/ca.pem' } })).to.throw(
      QmfError,
      'options for TLS were given, but amqp://b:5672 is without; write amqps://',
    );
  });
});
