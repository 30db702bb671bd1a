import { expect } from 'chai';
import { inspect } from 'node:util';
import { afterEach, describe, it } from 'mocha';
import rhea, { type EventContext } from 'rhea';
import { startBroker } from '../broker/index.js';
import { BusConnection } from '../connection/index.js';
import { failure } from '../testing/poll.test.fixture.js';
import { scramServer, type ScramServer } from '../testing/scram-server.test.fixture.js';
import {
  type Front,
  listening,
  startTlsFront,
  certificate,
  certificateBytes,
} from '../testing/tls-front.test.fixture.js';
import { type SaslServerSteps, startMiniBroker } from './amqp091/mini-broker.test.fixture.js';
import { securityOf } from './security.js';
import { transportFor } from './transport-for.js';

const dial = (url: string, options = {}) => transportFor(url, options).dial(AbortSignal.timeout(60_000));

/** The server's side of a login as both kinds of test brokers take it. */
function steps(mechanism: 'SCRAM-SHA-1' | 'SCRAM-SHA-256', forge = (text: string) => text): SaslServerSteps {
  let server: ScramServer | undefined;
  let last: string | undefined;
  return response => {
    const text = response.toString('utf8');
    if (server === undefined) {
      server = scramServer(mechanism, 'wonder%land', text);
      return Buffer.from(server.first);
    }
    if (last === undefined) {
      last = server.last(text);
      return last.startsWith('e=') ? 'refuse' : Buffer.from(forge(last));
    }
    return 'accept';
  };
}

/** A broker of AMQP 1.0 that has SCRAM and opens connections; it does nothing else. */
async function startRheaServer(
  mechanism: string,
  login: () => SaslServerSteps,
): Promise<Front & { url: string }> {
  const container = rhea.create_container();
  container.on('error', () => undefined);
  container.on('disconnected', () => undefined);
  const mechanisms = container.sasl_server_mechanisms as Record<string, unknown>;
  mechanisms[mechanism] = () => {
    const take = login();
    const server: Record<string, unknown> = { outcome: undefined, username: 'alice' };
    const step = (response: Buffer): Buffer | undefined => {
      const answer = take(response);
      if (Buffer.isBuffer(answer)) return answer;
      server['outcome'] = answer === 'accept';
      return undefined;
    };
    return Object.assign(server, { start: step, step });
  };
  const front = await listening(container.listen({ port: 0, host: '127.0.0.1' }));
  return { ...front, url: `amqp://127.0.0.1:${front.port}` };
}

const kinds = [
  ['AMQP 1.0', (mechanism: string, login: () => SaslServerSteps) => startRheaServer(mechanism, login)],
  [
    'AMQP 0-9-1',
    (mechanism: string, login: () => SaslServerSteps) =>
      startMiniBroker({ mechanisms: `PLAIN ${mechanism}`, login }),
  ],
] as const;

for (const [name, start] of kinds) {
  describe(`SCRAM over ${name}`, () => {
    let broker: { readonly url: string; stop(): Promise<void> };
    afterEach(() => broker.stop());
    const as = (login: string): string => broker.url.replace('//', `//${login}@`);

    for (const mechanism of ['SCRAM-SHA-1', 'SCRAM-SHA-256'] as const) {
      it(`${mechanism} opens, and is preferred`, async () => {
        broker = await start(mechanism, () => steps(mechanism));
        const warnings: string[] = [];
        const onWarning = (text: string): unknown => warnings.push(text);
        await (await dial(as('alice:wonder%25land'), { onWarning })).close();
        expect(warnings).to.deep.equal([]);
      });
    }

    it('a wrong password is refused', async () => {
      broker = await start('SCRAM-SHA-256', () => steps('SCRAM-SHA-256'));
      const error = await failure(dial(as('alice:hush-hush')));
      expect(error).to.include({ code: 'not_authorised', retryable: false });
      expect(error.message).to.include("refused the credentials of user 'alice' (SCRAM-SHA-256)");
      expect(inspect(error, { depth: 10, showHidden: true })).to.not.include('hush-hush');
    });

    it('a broker that does not know the password is not trusted', async () => {
      const forged = (): string => `v=${Buffer.alloc(32).toString('base64')}`;
      broker = await start('SCRAM-SHA-256', () => steps('SCRAM-SHA-256', forged));
      const error = await failure(dial(as('alice:wonder%25land')));
      expect(error).to.include({ code: 'not_authorised' });
      expect(error.message).to.match(/login at .* was broken off: .*may be an impostor/);
    });

    it('a broker that lets in before anything was proven is not trusted', async () => {
      broker = await start('SCRAM-SHA-256', () => () => 'accept');
      const error = await failure(dial(as('alice:wonder%25land')));
      expect(error.message).to.match(/broken off: the broker skipped the proof/);
    });

    it('what the broker offers is told when nothing will do', async () => {
      broker = await start('SCRAM-SHA-256', () => steps('SCRAM-SHA-256'));
      const error = await failure(dial(as('alice:x'), { sasl: 'scram-sha-512' }));
      expect(error).to.include({ code: 'not_authorised' });
      expect(error.message).to.match(/offers only (PLAIN, )?SCRAM-SHA-256; 'scram-sha-512' was asked for/);
    });
  });
}

describe('EXTERNAL', () => {
  const tls = { ca: certificate('ca.pem'), cert: certificate('client-both.pem') };
  for (const [name, start] of kinds) {
    it(`says nothing of its own over ${name}`, async () => {
      const said: string[] = [];
      const broker = await start('EXTERNAL', () => response => {
        said.push(response.toString('utf8'));
        return 'accept';
      });
      const port = Number(new URL(broker.url.replace(/^\w+:/, 'http:')).port);
      const front = await startTlsFront(port, { requestCert: true, ca: certificateBytes('ca.pem') });
      const scheme = name === 'AMQP 1.0' ? 'amqps' : 'amqp091s';
      await (await dial(`${scheme}://127.0.0.1:${front.port}`, { tls })).close();
      expect(said).to.deep.equal(['']);
      const error = await failure(dial(broker.url, { sasl: 'external' }));
      expect(error.message).to.match(/'external' is by client certificate/);
      await front.stop();
      await broker.stop();
    });
  }
});

describe('a password', () => {
  const secrets = ['hush@hush/!', 'hush%40hush%2F!'];
  const url = (base: string): string => base.replace('//', `//alice:${secrets[1] ?? ''}@`);
  const isShown = (thing: unknown): boolean => {
    const error =
      thing instanceof Error ? `${thing.message} ${thing.stack ?? ''} ${JSON.stringify(thing)}` : '';
    const shown = `${inspect(thing, { depth: 20, showHidden: true, getters: true })} ${String(thing)} ${error}`;
    return secrets.some(secret => shown.includes(secret));
  };

  for (const [name, start] of [
    ['AMQP 1.0', () => startBroker({ users: { alice: 'another' } })],
    ['AMQP 0-9-1', () => startMiniBroker({ refuseLogin: [403, 'ACCESS_REFUSED'] })],
  ] as const) {
    it(`is in no error, status or inspection over ${name}`, async () => {
      const broker = await start();
      const transport = transportFor(url(broker.url), { onWarning: () => undefined });
      const connection = new BusConnection(transport, { retry: { maxAttempts: 1 } });
      const seen: unknown[] = [transport, connection];
      connection.onStatus(status => seen.push(status));
      connection.start();
      const error = await failure(connection.ready());
      expect(error).to.include({ code: 'not_authorised' });
      seen.push(error, connection, connection.broker);
      for (const thing of seen) expect(isShown(thing)).to.equal(false);
      await connection.close();
      await broker.stop();
    });
  }

  it('is in no inspection of an open connection', async () => {
    const broker = await startBroker({ users: { alice: secrets[0] ?? '' } });
    const transport = transportFor(url(broker.url));
    const wire = await transport.dial(AbortSignal.timeout(60_000));
    for (const thing of [transport, wire]) expect(isShown(thing)).to.equal(false);
    await wire.close();
    await broker.stop();
  });

  for (const [scheme, host, warned] of [
    ['amqp', 'localhost', 0],
    ['amqp', '127.0.0.1', 0],
    ['amqp', 'broker.test', 1],
    ['amqp091', 'broker.test', 1],
  ] as const) {
    it(`in readable form to ${scheme}://${host} is warned of ${warned === 0 ? 'never' : 'once'}`, async () => {
      const warnings: string[] = [];
      const security = securityOf(
        { scheme, host, port: 1 },
        { user: 'alice', password: 'hush', onWarning: text => warnings.push(text) },
      );
      const socket = { isSecure: false, hasClientCertificate: false };
      for (let attempt = 0; attempt < 3; attempt++)
        security.choose(['PLAIN'], await security.login(socket), socket);
      expect(warnings).to.have.length(warned);
      if (warned === 1) expect(warnings[0]).to.match(/goes to .*broker\.test:1 in readable form; use TLS/);
      const secure = { ...socket, isSecure: true };
      security.choose(['PLAIN'], await security.login(secure), secure);
      expect(warnings).to.have.length(warned);
    });
  }
});

describe('a broker of AMQP 1.0 that refuses a connection', () => {
  for (const [condition, code, words] of [
    ['amqp:not-found', 'address_refused', "has no virtual host 'nowhere'"],
    ['amqp:unauthorized-access', 'not_authorised', "did not open the virtual host 'nowhere'"],
    ['amqp:connection:forced', 'unreachable', 'cannot be reached'],
  ] as const) {
    it(`with ${condition} right behind its opening means ${code}`, async () => {
      const container = rhea.create_container();
      container.on('error', () => undefined);
      container.on('disconnected', () => undefined);
      container.on('connection_open', (context: EventContext) => {
        context.connection.close({ condition, description: 'as the test wants it' });
      });
      const server = await listening(container.listen({ port: 0, host: '127.0.0.1' }));
      const error = await failure(dial(`amqp://127.0.0.1:${server.port}/nowhere`));
      expect(error).to.include({ code });
      expect(error.message).to.include(words).and.to.include('as the test wants it');
      await server.stop();
    });
  }
});
