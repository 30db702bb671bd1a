import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { describe, it } from 'mocha';

/** Connects, loses the broker, closes; then nothing must keep the process. */
const program = `
  import { amqp10, BusConnection, ConsoleSession, startBroker } from '../index.js';
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
      timeout: 15_000, // rhea's idle timer would hold it for a minute
    });
    expect((await run).stderr).to.equal('');
  });
});
