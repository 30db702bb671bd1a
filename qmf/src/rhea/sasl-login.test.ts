import { expect } from 'chai';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'mocha';
import rhea, { type Connection } from 'rhea';
import { logIn, type SaslSteps } from './sasl-login.js';

interface Client {
  mechanisms: Record<string, unknown>;
  on_sasl_mechanisms(frame: object): void;
  on_sasl_challenge(frame: object): void;
  on_sasl_outcome(frame: object): void;
}

describe('logIn', () => {
  const server = createServer(socket => socket.resume().on('error', () => undefined));
  let connection: Connection;
  let client: Client;
  const told: unknown[] = [];
  const steps: SaslSteps = {
    mechanism: 'TEST',
    initial: () => Buffer.from('first'),
    answer: challenge => Promise.resolve(Buffer.from(`to ${challenge.toString()}`)),
    conclude: data => {
      told.push(`concluded with ${data?.toString() ?? 'nothing'}`);
      if (data?.toString() === 'lies') throw new Error('lies');
    },
  };

  beforeEach(async () => {
    told.length = 0;
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // TCP has no other kind of address
    const container = rhea.create_container();
    container.on('disconnected', () => undefined);
    connection = container.connect({
      transport: 'tcp',
      host: '',
      port,
      username: 'anonymous',
      reconnect: false,
      connection_details: () => ({ host: '', port, connect: () => connect(port, '127.0.0.1') }),
    });
    logIn(connection, {
      choose: offered => {
        told.push(offered);
        if (!offered.includes('TEST')) throw new Error('nothing suits');
        return steps;
      },
      refused: mechanism => told.push(`refused ${mechanism}`),
      failed: error => told.push(error instanceof Error ? error.message : error),
    });
    // rhea's frames come by these names; the test stands for its parser.
    client = (connection as unknown as { sasl_transport: Client }).sasl_transport;
  });
  afterEach(async () => {
    (connection as unknown as { socket: { destroy(): void } }).socket.destroy();
    await new Promise(resolve => server.close(resolve));
  });

  const offer = (...names: string[]): void =>
    client.on_sasl_mechanisms({ performative: { sasl_server_mechanisms: names } });
  const decide = (code: number, data?: Buffer): void =>
    client.on_sasl_outcome({ performative: { code, additional_data: data } });

  it('has the choice, and hands on what comes with the outcome', () => {
    offer('OTHER', 'TEST');
    decide(0, Buffer.from('a proof'));
    expect(told).to.deep.equal([['OTHER', 'TEST'], 'concluded with a proof']);
  });

  it('takes a single mechanism that came as no list', () => {
    client.on_sasl_mechanisms({ performative: { sasl_server_mechanisms: 'TEST' } });
    expect(told).to.deep.equal([['TEST']]);
  });

  it('fails when nothing suits, when the proof is wrong, and when there was no login at all', () => {
    offer('OTHER');
    decide(0);
    offer('TEST');
    decide(0, Buffer.from('lies'));
    expect(told).to.deep.equal([
      ['OTHER'],
      'nothing suits',
      'the peer said yes before it was asked',
      ['TEST'],
      'concluded with lies',
      'lies',
    ]);
  });

  it('tells a refusal', () => {
    offer('TEST');
    decide(1);
    expect(told).to.deep.equal([['TEST'], 'refused TEST']);
  });

  it('refuses a connection that has no login', () => {
    expect(() =>
      logIn({} as Connection, { choose: () => steps, refused: () => undefined, failed: () => undefined }),
    ).to.throw(/not one that the AMQP 1\.0 transport can work with/);
  });
});
