import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { BareMessage } from '../../../codec/amqp10-message.js';
import { decodeList, decodeMap } from '../../../codec/amqp010.js';
import type { Address } from '../../../message/envelope.js';
import type { Binding } from '../../transport.js';
import { type DialectName, dialectFor, dialectNames, dialects, userIdsAt } from './index.js';

const pattern: Binding = { exchange: 'qmf.x.topic', exchangeType: 'topic', key: 'agent.ind.#', create: true };
const exact: Binding = { ...pattern, key: 'direct-console.1' };
const direct: Binding = { ...pattern, exchange: 'qmf.x.direct', exchangeType: 'direct', key: 'v:p:a#b' };
const event: Address = { node: 'qmf.x.topic', subject: 'agent.ind/é' };
const queue: Address = { node: 'replies 1' };

/** The filter's descriptor, 0 for a whole key and 1 for a pattern; nothing without a filter. */
function filterOf(name: DialectName, binding: Binding): number | undefined {
  // As rhea describes a value.
  const filter = dialects[name].source(binding, 'q').filter as
    | { readonly 'subject-filter': { readonly descriptor: { readonly value: number } } }
    | undefined;
  return filter === undefined ? undefined : filter['subject-filter'].descriptor.value - 0x468c00000000;
}

describe('dialects of AMQP 1.0', () => {
  it('are chosen by what the broker says of itself', () => {
    const known: readonly (readonly [string | undefined, string | undefined, DialectName])[] = [
      ['qpid-cpp', '1.40.0', 'qpidd'],
      ['Apache Qpid Broker-J Core', '9.2.1', 'broker-j'],
      ['RabbitMQ', '3.10.8', 'rabbitmq3'],
      ['RabbitMQ', '4.1.0', 'rabbitmq4'],
      ['RabbitMQ', undefined, 'rabbitmq3'],
      ['apache-activemq-artemis', '2.44.0', 'artemis'],
      ['imagefactory-embedded-broker', '0.1.0', 'embedded'],
      ['something else', '9', 'qpidd'],
      [undefined, undefined, 'qpidd'],
    ];
    for (const [product, version, name] of known) {
      const peer = {
        ...(product === undefined ? {} : { product }),
        ...(version === undefined ? {} : { version }),
      };
      expect(dialectFor(peer).name, product ?? 'nothing said').to.equal(name);
    }
    for (const name of dialectNames) expect(dialects[name].name).to.equal(name);
  });

  it('say how far user ids can be relied on, by the broker and not by a dialect that was forced', () => {
    const kind = (product: string, forced?: DialectName, offered: readonly string[] = ['PLAIN']): string => {
      const peer = { product, version: '4.0' };
      const dialect = forced === undefined ? dialectFor(peer) : dialects[forced];
      return userIdsAt(dialect, forced !== undefined, { peer, offered }).kind;
    };
    expect(kind('qpid-cpp')).to.equal('vouched');
    expect(kind('qpid-cpp', undefined, ['PLAIN', 'ANONYMOUS'])).to.equal('unverified');
    expect(kind('RabbitMQ')).to.equal('forgeable-by-translation');
    expect(kind('RabbitMQ', 'qpidd')).to.equal('forgeable-by-translation');
    expect(kind('apache-activemq-artemis', 'qpidd')).to.equal('unverified');
    expect(kind('Apache Qpid Broker-J Core')).to.equal('unverified');
    expect(kind('imagefactory-embedded-broker')).to.equal('unverified');
    const checking = { product: 'imagefactory-embedded-broker', checksUserIds: true };
    expect(userIdsAt(dialects.embedded, false, { peer: checking, offered: ['PLAIN'] }).kind).to.equal(
      'vouched',
    );
    // Only somebody who says which one it is can know that a broker vouches that says something else of itself.
    expect(kind('a proxy')).to.equal('unverified');
    expect(kind('a proxy', 'qpidd')).to.equal('vouched');
    expect(kind('a proxy', 'qpidd', ['ANONYMOUS'])).to.equal('unverified');
  });

  it('tell bindings as addresses and filters', () => {
    const addresses = (name: DialectName): string[] =>
      [pattern, exact, direct].map(binding => dialects[name].source(binding, 'the queue').address);
    const filters = (name: DialectName): (number | undefined)[] =>
      [pattern, exact, direct].map(binding => filterOf(name, binding));
    const exchanges = ['qmf.x.topic', 'qmf.x.topic', 'qmf.x.direct'];
    expect(addresses('qpidd')).to.deep.equal(exchanges);
    expect(filters('qpidd')).to.deep.equal([1, 0, 0]);
    expect(addresses('broker-j')).to.deep.equal(exchanges);
    expect(filters('broker-j')).to.deep.equal([1, 1, 0]);
    expect(addresses('rabbitmq3')).to.deep.equal([
      '/exchange/qmf.x.topic/agent.ind.#',
      '/exchange/qmf.x.topic/direct-console.1',
      '/exchange/qmf.x.direct/v:p:a#b',
    ]);
    expect(new Set(addresses('rabbitmq4'))).to.deep.equal(new Set(['/queues/qmf.the%20queue']));
    expect(addresses('artemis')).to.deep.equal([
      'qmf.x.topic.agent.ind.#',
      'qmf.x.topic.direct-console.1',
      'qmf.x.direct.v:p:a#b',
    ]);
    for (const name of ['rabbitmq3', 'rabbitmq4', 'artemis'] as const)
      expect(filters(name)).to.deep.equal([undefined, undefined, undefined]);
  });

  it('ask for missing exchanges in the attach on qpidd alone, and only if told to', () => {
    const asks = (name: DialectName, create: boolean): boolean =>
      dialects[name].source({ ...pattern, create }, 'q').dynamic_node_properties !== undefined;
    expect(dialectNames.filter(name => asks(name, true))).to.deep.equal(['qpidd', 'embedded']);
    expect(dialectNames.filter(name => asks(name, false))).to.deep.equal([]);
  });

  it('send by exchange and subject, or to an address of both', () => {
    const { subject } = event;
    for (const name of ['qpidd', 'embedded', 'broker-j'] as const) {
      expect(dialects[name].route(event)).to.deep.equal({ target: event.node, to: event.node, subject });
      expect(dialects[name].route(queue)).to.deep.equal({ target: queue.node, to: queue.node });
    }
    const address = '/exchange/qmf.x.topic';
    expect(dialects.rabbitmq3.route(event)).to.deep.equal({ target: address, to: address, subject });
    expect(dialects.rabbitmq3.route(queue).target).to.equal('/amq/queue/replies 1');
    expect(dialects.rabbitmq4.route(event)).to.deep.equal({
      to: '/exchanges/qmf.x.topic/agent.ind%2F%C3%A9',
      subject,
    });
    expect(dialects.rabbitmq4.route(queue)).to.deep.equal({ to: '/queues/replies%201' });
    expect(dialects.artemis.route(event)).to.deep.equal({ to: 'qmf.x.topic.agent.ind/é', subject });
    expect(dialects.artemis.route(queue)).to.deep.equal({ to: 'replies 1' });
  });

  it('write reply addresses as everybody does, and read them back', () => {
    for (const name of dialectNames) {
      const dialect = dialects[name];
      for (const address of [event, queue])
        expect(dialect.replyAddress(dialect.replyText(address)), name).to.deep.equal(address);
    }
  });

  it('read the reply addresses that their brokers make', () => {
    const forms: readonly (readonly [DialectName, string, Address])[] = [
      ['rabbitmq3', '/exchange/e/k.1', { node: 'e', subject: 'k.1' }],
      ['rabbitmq3', '/queue/q', { node: 'q' }],
      ['rabbitmq3', '/queue/e/k.1', { node: 'e', subject: 'k.1' }],
      ['rabbitmq3', '/amq/queue/amq.gen-1', { node: 'amq.gen-1' }],
      ['rabbitmq4', '/exchanges/e/k%2F1', { node: 'e', subject: 'k/1' }],
      ['rabbitmq4', '/queues/q%201', { node: 'q 1' }],
      ['rabbitmq4', '/queues/%zz', { node: '', subject: 'queues/%zz' }],
      ['broker-j', "topic://e//?routingkey='k.1'", { node: 'e', subject: 'k.1' }],
    ];
    for (const [name, text, address] of forms)
      expect(dialects[name].replyAddress(text), text).to.deep.equal(address);
  });

  it("gives bodies of Broker-J's 0-x peers back their bytes, and leaves those of 1.0 peers alone", () => {
    const received = (message: BareMessage): BareMessage =>
      dialects['broker-j'].received?.(message) ?? message;
    const map = new Map([['a', 'b']]);
    const fromMap = received({ body: { form: 'value', value: map } });
    expect(fromMap.contentType).to.equal('amqp/map');
    expect(fromMap.body.form === 'data' && decodeMap(fromMap.body.bytes)).to.deep.equal(map);
    const fromList = received({ body: { form: 'sequence', list: ['a'] } });
    expect(fromList.contentType).to.equal('amqp/list');
    expect(fromList.body.form === 'data' && decodeList(fromList.body.bytes)).to.deep.equal(['a']);
    const own = { contentType: 'amqp/map', body: { form: 'value', value: map } } as const;
    expect(received(own)).to.equal(own);
    const none = { body: { form: 'none' } } as const;
    expect(received(none)).to.equal(none);
  });

  it('sends RabbitMQ 3 no list as a value, which would stop the link', () => {
    const sent = (message: BareMessage): BareMessage => dialects.rabbitmq3.sent?.(message) ?? message;
    expect(sent({ subject: 'k', body: { form: 'value', value: ['a'] } })).to.deep.equal({
      subject: 'k',
      body: { form: 'sequence', list: ['a'] },
    });
    const map: BareMessage = { body: { form: 'value', value: new Map() } };
    expect(sent(map)).to.equal(map);
  });
});
