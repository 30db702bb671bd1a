import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { encodeMap } from '../../codec/amqp010.js';
import type { QmfError } from '../../errors.js';
import type { Envelope } from '../../message/envelope.js';
import { failure, until } from '../../testing/poll.test.fixture.js';
import type { Wire } from '../transport.js';
import { amqp091, type Amqp091Options } from './amqp091.js';
import { type Behaviour, type MiniBroker, startMiniBroker } from './mini-broker.test.fixture.js';

const never = (): AbortSignal => new AbortController().signal;

const message = (node: string, subject: string | undefined, size = 10): Envelope => ({
  to: { node, ...(subject === undefined ? {} : { subject }) },
  headers: new Map(),
  body: { form: 'data', bytes: Buffer.alloc(size) },
});
const binding = { exchange: 'x', exchangeType: 'topic', key: '#', create: true } as const;

async function withBroker(
  behaviour: Behaviour,
  use: (broker: MiniBroker, dial: (options?: Amqp091Options) => Promise<Wire>) => Promise<void>,
): Promise<void> {
  const broker = await startMiniBroker(behaviour);
  const wires: Wire[] = [];
  try {
    await use(broker, async options => {
      const wire = await amqp091(broker.url, options).dial(never());
      wires.push(wire);
      return wire;
    });
  } finally {
    await Promise.all(wires.map(wire => wire.close()));
    await broker.stop();
  }
}

async function withServer(
  onConnection: (socket: Socket) => void,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const sockets: Socket[] = [];
  const server = createServer(socket => {
    sockets.push(socket.on('error', () => undefined));
    onConnection(socket);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`amqp091://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  }
}

describe('AMQP 0-9-1 dialling', () => {
  for (const [who, answer] of [
    ['an AMQP 1.0 broker', Buffer.from('AMQP\x00\x01\x00\x00', 'latin1')],
    ['a mail server', Buffer.from('220 mail.example.com ESMTP\r\n')],
    ['one that hangs up', Buffer.alloc(0)],
  ] as const) {
    it(`says that ${who} does not speak it`, async () => {
      await withServer(
        socket => socket.end(answer),
        async url => {
          const error = await failure(amqp091(url).dial(never()));
          expect(error.code).to.equal('unreachable');
          expect(error.message)
            .to.match(/is AMQP 0-9-1 spoken there/)
            .and.not.match(/frame/i);
        },
      );
    });
  }

  it('can be cancelled while the other side is silent, and leaves no socket behind', async () => {
    let closed = false;
    await withServer(
      socket => socket.on('close', () => (closed = true)).resume(),
      async url => {
        const stop = new AbortController();
        const dialling = failure(amqp091(url).dial(stop.signal));
        setTimeout(() => stop.abort(), 20);
        expect((await dialling).code).to.equal('aborted');
        await until('the socket is closed', () => closed);
      },
    );
  });

  it('tells refused credentials, without the password', async () => {
    await withBroker({ refuseLogin: [403, 'ACCESS_REFUSED - Login was refused'] }, async broker => {
      const url = broker.url.replace('//', '//me:hush@');
      const error = await failure(amqp091(url).dial(never()));
      expect(error.code).to.equal('not_authorised');
      expect(error.message)
        .to.match(/Login was refused/)
        .and.not.match(/hush/);
    });
  });

  for (const [code, text, means, words] of [
    [530, 'NOT_ALLOWED - vhost nowhere not found', 'address_refused', /there is none of that name/],
    [404, "NOT_FOUND - Unknown virtual host: 'nowhere'", 'address_refused', /there is none of that name/],
    [
      530,
      "NOT_ALLOWED - access to vhost 'nowhere' refused for user 'guest'",
      'not_authorised',
      /the user 'guest' has no right to it/,
    ],
    [403, 'ACCESS_REFUSED', 'not_authorised', /the user 'guest' has no right to it/],
    [
      530,
      "NOT_ALLOWED - access to vhost 'nowhere' refused for user 'guest': connection limit (1) is reached",
      'unreachable',
      /limit/,
    ],
    [541, "INTERNAL_ERROR - access to vhost 'nowhere' refused: vhost is down", 'unreachable', /down/],
  ] as const) {
    it(`takes ${code} ${text} on opening for ${means}`, async () => {
      await withBroker({ refuseVhost: [code, text] }, async broker => {
        const error = await failure(amqp091(`${broker.url}/nowhere`).dial(never()));
        expect(error.code).to.equal(means);
        expect(error.message)
          .to.match(/did not open the virtual host 'nowhere'/)
          .and.match(words);
      });
    });
  }

  it('logs in as nobody where there are no passwords, unless it was given a user', async () => {
    await withBroker({ mechanisms: 'ANONYMOUS' }, async (broker, dial) => {
      expect((await dial()).peer).to.deep.equal({ product: 'RabbitMQ', version: '0' });
      const named = amqp091(broker.url.replace('//', '//me:p@'));
      expect((await failure(named.dial(never()))).code).to.equal('not_authorised');
    });
  });

  for (const code of [320, 501, 506, 541]) {
    it(`fails when the broker closes with ${code} in the same breath as it opens`, async () => {
      const uncaught: unknown[] = [];
      const note = (error: unknown): unknown => uncaught.push(error);
      process.on('uncaughtExceptionMonitor', note);
      try {
        await withBroker({ closeWhenOpened: code }, async (_broker, dial) => {
          const error = await failure(dial());
          expect(error).to.include({ code: 'unreachable', retryable: true });
          expect(error.message).to.match(new RegExp(`not now \\(${code}\\)`));
        });
        expect(uncaught).to.deep.equal([]);
      } finally {
        process.off('uncaughtExceptionMonitor', note);
      }
    });
  }
});

describe('AMQP 0-9-1 publishing', () => {
  it('takes a negative confirmation for "not now"', async () => {
    await withBroker({ answer: () => 'nack' }, async (_broker, dial) => {
      const wire = await dial();
      await wire.bind(binding, () => undefined);
      expect((await failure(wire.send(message('x', 'k')))).code).to.equal('message_released');
    });
  });

  it('keeps other exchanges going when one is forbidden', async () => {
    await withBroker({ answer: exchange => (exchange === 'y' ? 403 : 'ack') }, async (_broker, dial) => {
      const wire = await dial();
      await wire.bind(binding, () => undefined);
      await wire.bind({ ...binding, exchange: 'y' }, () => undefined);
      const [forbidden, allowed] = [failure(wire.send(message('y', 'k'))), wire.send(message('x', 'k'))];
      expect((await forbidden).code).to.equal('not_authorised');
      await allowed;
      expect((await failure(wire.send(message('y', 'k')))).code).to.equal('not_authorised');
      await wire.send(message('x', 'k'));
    });
  });

  it('keeps the connection when an exchange is gone for which much was to be sent', async () => {
    await withBroker({}, async (_broker, dial) => {
      const wire = await dial();
      await wire.bind(binding, () => undefined);
      const sends = Array.from({ length: 500 }, () => failure(wire.send(message('gone', 'k', 50_000))));
      // The next channel for it, while all that is on its way to the broker still.
      expect((await sends[0])?.code).to.equal('address_refused');
      expect((await failure(wire.send(message('gone', 'k')))).code).to.equal('address_refused');
      expect(new Set((await Promise.all(sends)).map(({ code }) => code))).to.deep.equal(
        new Set(['address_refused']),
      );
      await wire.send(message('x', 'k'));
    });
  });

  it('rejects the message that is too large, and ends the connection for the others', async () => {
    let answers = 0;
    const answer = () => (++answers === 3 ? 406 : 'nothing');
    await withBroker({ answer }, async (_broker, dial) => {
      const wire = await dial();
      await wire.bind(binding, () => undefined);
      const sends = [10, 20, 5_000, 30].map(size => failure(wire.send(message('x', 'k', size))));
      const codes = (await Promise.all(sends)).map(({ code }) => code);
      expect(codes).to.deep.equal([
        'connection_lost',
        'connection_lost',
        'message_rejected',
        'connection_lost',
      ]);
      expect((await wire.closed)?.code).to.equal('connection_lost');
    });
  });

  it('tells which of several messages came back', async () => {
    await withBroker({}, async (broker, dial) => {
      const wire = await dial();
      broker.consumers.set('there', () => undefined);
      const results = await Promise.allSettled(
        ['there', 'gone', 'there', 'gone'].map(queue => wire.send(message(queue, undefined))),
      );
      expect(results.map(({ status }) => status)).to.deep.equal([
        'fulfilled',
        'rejected',
        'fulfilled',
        'rejected',
      ]);
    });
  });

  it('goes through more exchanges than it keeps channels for', async () => {
    await withBroker({}, async (_broker, dial) => {
      const wire = await dial();
      for (let index = 0; index < 50; index++) {
        expect((await failure(wire.send(message(`none-${index}`, 'k')))).code).to.equal('address_refused');
        await wire.bind({ ...binding, exchange: `x${index}` }, () => undefined);
        await wire.send(message(`x${index}`, 'k'));
      }
    });
  });

  it('refuses more than the bound, and headers that no frame holds', async () => {
    await withBroker({ answer: () => 'nothing' }, async (_broker, dial) => {
      const wire = await dial();
      await wire.bind(binding, () => undefined);
      const huge = { ...message('x', 'k'), headers: new Map([['h', 'x'.repeat(200_000)]]) };
      expect((await failure(wire.send(huge))).code).to.equal('not_encodable');
      const sends = Array.from({ length: 10_001 }, () => failure(wire.send(message('x', 'k'))));
      expect((await sends[10_000])?.code).to.equal('outbox_full');
      await wire.close();
      expect((await Promise.all(sends)).filter(({ code }) => code === 'closed')).to.have.length(10_000);
    });
  });
});

describe('AMQP 0-9-1 deliveries', () => {
  it('drop what cannot be decoded, say so, and go on', async () => {
    const malformed: QmfError[] = [];
    await withBroker({}, async (broker, dial) => {
      const wire = await dial();
      wire.onMalformed?.(error => malformed.push(error));
      const received: Envelope[] = [];
      await wire.bind(binding, envelope => received.push(envelope));
      const content = encodeMap(new Map());
      for (const hex of [
        '2000000000036b013f', // a field type that does not exist
        '2000ffffffff', // a table longer than the frame
        '20000000000601615300ffff', // a text longer than the table
        '800002c328', // a content type that is not UTF-8
        '0001', // flags of a second word
        '80', // no flags
      ]) {
        broker.route({ exchange: 'x', key: 'bad', properties: Buffer.from(hex, 'hex'), content });
      }
      broker.route({ exchange: 'x', key: 'good', properties: Buffer.alloc(2), content });
      await until('the good one has come', () => received.length > 0);
      expect(received.map(({ to }) => to.subject)).to.deep.equal(['good']);
      expect(malformed.map(({ code }) => code)).to.deep.equal(Array(6).fill('malformed_message'));
    });
  });
});
