import { expect } from 'chai';
import { describe, it } from 'mocha';
import { QmfError } from '../errors.js';
import { parseBrokerUrl } from './broker-url.js';
import { transportFor, type TransportOptions } from './transport-for.js';

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
