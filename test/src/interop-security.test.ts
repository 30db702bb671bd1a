import { type TransportOptions, transportFor } from '@imagefactory/qmf';
import type { Wire } from '@imagefactory/qmf/wire';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import {
  certificate,
  type SecureBroker,
  startSecureBrokerJ,
  startSecureRabbitMq,
} from './support/brokers/secure.js';
import { skipBecause } from './support/lane.js';

const ca = certificate('ca.pem');
const alice = { ca, cert: certificate('client.pem'), key: certificate('client.key') };

const binding = {
  exchange: 'qmf.default.topic',
  exchangeType: 'topic',
  key: 'security.#',
  create: true,
} as const;

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly start: () => Promise<SecureBroker | string>;
  /** The mechanism by which a user with a password logs in by default. */
  readonly byPassword: string;
  readonly scram: readonly string[];
}

const subjects: readonly Subject[] = [
  {
    kind: 'rabbitmq',
    name: 'RabbitMQ',
    start: startSecureRabbitMq,
    byPassword: 'PLAIN',
    scram: [],
  },
  {
    kind: 'broker-j',
    name: 'Qpid Broker-J',
    start: startSecureBrokerJ,
    byPassword: 'SCRAM-SHA-256',
    scram: ['scram-sha-1', 'scram-sha-256'],
  },
];

/** Other brokers take time and memory to start, so only on request, as for the other suites. */
const asked = (process.env.IMAGEFACTORY_BROKERS ?? '').split(',');

for (const { kind, name, start, byPassword, scram } of subjects) {
  describe(`security at ${name}`, function () {
    this.timeout(300_000);
    let broker: SecureBroker;
    let stop = (): Promise<void> => Promise.resolve();
    before(async function () {
      if (!asked.includes('all') && !asked.includes(kind))
        skipBecause(this, `not asked for; set IMAGEFACTORY_BROKERS to all, or to a list with ${kind}`);
      const found = await start();
      if (typeof found === 'string') skipBecause(this, found);
      broker = found;
      stop = () => found.stop();
    });
    after(() => stop());

    for (const [protocol, plain, secure] of [
      ['AMQP 1.0', 'amqp', 'amqps'],
      ['AMQP 0-9-1', 'amqp091', 'amqp091s'],
    ] as const) {
      describe(`over ${protocol}`, () => {
        const dial = (
          scheme: string,
          login: string,
          port: number,
          options: TransportOptions = {},
        ): Promise<Wire> =>
          transportFor(`${scheme}://${login}127.0.0.1:${port}`, {
            onWarning: () => undefined,
            ...options,
          }).dial(AbortSignal.timeout(60_000));
        const opens = async (...args: Parameters<typeof dial>): Promise<void> => {
          const wire = await dial(...args);
          // The broker has let us in for real only when it serves us.
          (await wire.bind(binding, () => undefined))();
          await wire.close();
        };
        const failure = async (
          ...args: Parameters<typeof dial>
        ): Promise<{ code?: string; message: string }> => {
          try {
            await (await dial(...args)).close();
          } catch (error) {
            if (error instanceof Error) return error;
          }
          throw new Error('it succeeded, a failure was expected');
        };

        it('lets in by password, without and with TLS', async () => {
          await opens(plain, 'guest:guest@', broker.plainPort);
          const { certifiedPort, passwordPort } = broker;
          if (passwordPort !== undefined) await opens(secure, 'guest:guest@', passwordPort, { tls: { ca } });
          else await opens(secure, 'guest:guest@', certifiedPort, { tls: alice, sasl: 'plain' });
        });

        for (const mechanism of ['plain', ...scram] as TransportOptions['sasl'][]) {
          it(`lets in by ${mechanism ?? ''}`, async () => {
            await opens(plain, 'guest:guest@', broker.plainPort, {
              ...(mechanism === undefined ? {} : { sasl: mechanism }),
            });
          });
        }

        it('refuses a wrong password', async () => {
          const error = await failure(plain, 'guest:hush-hush@', broker.plainPort);
          expect(error).to.include({ code: 'not_authorised' });
          expect(error.message).to.include(`(${byPassword})`).and.not.include('hush');
        });

        it('says what it offers', async () => {
          const error = await failure(plain, 'guest:guest@', broker.plainPort, { sasl: 'scram-sha-512' });
          expect(error).to.include({ code: 'not_authorised' });
          expect(error.message).to.match(/offers only .*PLAIN.*; 'scram-sha-512' was asked for/);
        });

        it('lets in by client certificate', async () => {
          await opens(secure, '', broker.certifiedPort, { tls: alice });
          await opens(secure, '', broker.certifiedPort, { tls: alice, sasl: 'external' });
          const locked = { ...alice, key: certificate('client-locked.key'), passphrase: 'open sesame' };
          await opens(secure, '', broker.certifiedPort, { tls: locked });
          await opens(secure, '', broker.certifiedPort, { tls: { ...alice, servername: 'broker.test' } });
        });

        it('wants a client certificate', async () => {
          const error = await failure(secure, '', broker.certifiedPort, { tls: { ca } });
          expect(error.message).to.match(/want(s)? a client certificate/);
          expect(error.code).to.match(/^(tls_failed|unreachable)$/);
        });

        it('refuses the client certificate of another authority', async () => {
          const tls = { ...alice, cert: certificate('client-foreign.pem') };
          const error = await failure(secure, '', broker.certifiedPort, { tls });
          expect(error.message).to.match(/refused? our client certificate/);
          expect(error.code).to.match(/^(tls_failed|unreachable)$/);
        });

        it('is not trusted without its authority, nor under another name', async () => {
          const port = broker.passwordPort ?? broker.certifiedPort;
          for (const [tls, words] of [
            [{}, /an authority that is not trusted \(Test authority\)/],
            [{ ca, servername: 'elsewhere.test' }, /not for elsewhere\.test but for .*broker\.test/],
          ] as const) {
            const error = await failure(secure, '', port, { tls });
            expect(error).to.include({ code: 'tls_failed' });
            expect(error.message).to.match(words);
          }
        });

        it('is not spoken to with TLS at the port without, nor the other way round', async () => {
          const toPlain = await failure(secure, '', broker.plainPort, { tls: { ca } });
          expect(toPlain.message).to.match(/what answers there is not TLS|is there TLS at that port/);
          const toSecure = await failure(plain, 'guest:guest@', broker.certifiedPort);
          expect(toSecure.message).to.match(new RegExp(`write ${secure}://|is it a port for TLS\\?`));
        });

        it('tells a virtual host that is not there', async () => {
          // The plugin of RabbitMQ finds out when the session begins, and calls it a lack of rights.
          const isPlugin = protocol === 'AMQP 1.0' && name === 'RabbitMQ';
          const vhost = isPlugin ? 'vhost:nowhere' : 'nowhere';
          const transport = transportFor(`${plain}://guest:guest@127.0.0.1:${broker.plainPort}/${vhost}`);
          const refused = async (): Promise<unknown> => {
            const wire = await transport.dial(AbortSignal.timeout(60_000));
            return wire.bind(binding, () => undefined);
          };
          const error = await refused().catch((reason: unknown) => reason);
          expect(error).to.include({
            code: isPlugin ? 'not_authorised' : 'address_refused',
            retryable: false,
          });
        });

        if (name === 'RabbitMQ' && protocol === 'AMQP 0-9-1') {
          it('tells a virtual host that is for others', async () => {
            const url = `${plain}://guest:guest@127.0.0.1:${broker.plainPort}/not-for-guest`;
            const error: unknown = await transportFor(url)
              .dial(AbortSignal.timeout(60_000))
              .catch((reason: unknown) => reason);
            expect(error).to.include({ code: 'not_authorised' });
            expect(error)
              .to.have.property('message')
              .that.matches(/the user 'guest' has no right to it/);
          });
        }
      });
    }
  });
}
