import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import rhea, { type Connection } from 'rhea';
import { startBroker } from '../broker/index.js';
import { discard, socketClosed } from './discard.js';

/** Connects, loses the broker, closes; then nothing must keep the process. */
const program = `
  import { startBroker } from '../broker/index.js';
  import { amqp10, BusConnection, ConsoleSession } from '../index.js';
  const broker = await startBroker();
  const connection = new BusConnection(amqp10(broker.url), { retry: { initialDelay: 10, maxDelay: 20 } });
  const session = new ConsoleSession(connection);
  await session.open();
  connection.start();
  await connection.ready();
  const lost = new Promise(resolve => connection.onStatus(({ kind }) => kind === 'waiting' && resolve()));
  broker.dropConnections();
  await lost;
  await connection.ready();
  await broker.stop();
  session.close();
  await connection.close();
`;

describe('a connection that was lost', () => {
  it('leaves no timer behind that keeps the process alive', async () => {
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: import.meta.dirname,
      timeout: 45_000, // rhea's idle timer would hold it for a minute
    });
    expect((await run).stderr).to.equal('');
  });

  const discardings: Readonly<Record<string, (connection: Connection) => Promise<void>>> = {
    'what was still to be written': async connection => {
      await once(connection, 'connection_open');
      connection.create_session().begin();
      discard(connection);
    },
    'what was being read': connection =>
      new Promise(resolve => {
        connection.on('connection_open', () => {
          discard(connection);
          resolve();
        });
      }),
  };
  for (const [moment, discarding] of Object.entries(discardings)) {
    it(`sets none either for ${moment}`, async () => {
      const broker = await startBroker();
      const container = rhea.create_container({ id: 'discarded' });
      const connection = container.connect({ host: broker.host, port: broker.port, reconnect: false });
      connection.on('disconnected', () => undefined);
      await discarding(connection);
      await socketClosed(connection);
      await new Promise(resolve => setImmediate(resolve)); // rhea writes at the end of a turn
      // Not in rhea's typings: the timer by which it sends heartbeats.
      expect((connection as unknown as { heartbeat_out?: unknown }).heartbeat_out).to.equal(undefined);
      await broker.stop();
    });
  }
});
