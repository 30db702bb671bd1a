import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { connectConsole } from '@imagefactory/console-client';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { AgentProgram } from './support/agent-program.js';
import { freeOwnPort } from './support/own-port.js';
import { Program, programs, projectRoot } from './support/program.js';

const certificates = join(projectRoot, 'qmf/test/certificates');
const ca = join(certificates, 'ca.pem');
const password = 'hush @%/,hush';

/** TLS before the embedded broker, which has none of its own. */
async function startFront(broker: RunningBroker): Promise<{ url: string; stop: () => Promise<void> }> {
  const [key, cert] = await Promise.all(
    ['server.key', 'server.pem'].map(name => readFile(join(certificates, name))),
  );
  const sockets = new Set<Socket>();
  const server: Server = createServer({ key, cert }, secure => {
    const inner = connect(broker.port, broker.host);
    for (const socket of [secure, inner]) {
      sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(socket);
          secure.destroy();
          inner.destroy();
        });
    }
    secure.pipe(inner).pipe(secure);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `amqps://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

describe('the programs over TLS, with a password file and a list of brokers', function () {
  this.timeout(180_000);
  let broker: RunningBroker;
  let front: Awaited<ReturnType<typeof startFront>>;
  let agent: AgentProgram;
  let directory: string;
  let passwordFile: string;
  let list: string;

  before(async () => {
    broker = await startBroker({ users: { alice: password } });
    front = await startFront(broker);
    directory = await mkdtemp(join(tmpdir(), 'imagefactory-security-'));
    passwordFile = join(directory, 'password');
    await writeFile(passwordFile, `alice:${password}\n`, { mode: 0o600 });
    // Nobody listens at the first.
    list = `amqps://127.0.0.1:${await freeOwnPort()},${front.url}`;
    agent = await AgentProgram.start(list, ['--ca', ca, '--password-file', passwordFile, '--debug']);
    await agent.program.says(/connected to amqps/);
  });
  after(async () => {
    await agent.stop();
    await front.stop();
    await broker.stop();
    await rm(directory, { recursive: true });
  });

  const command = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    Program.run(programs.console, args, { env });

  it('find each other, by option and by environment', async () => {
    const named = await command([
      '-b',
      list,
      '--ca',
      ca,
      '--password-file',
      passwordFile,
      'query',
      'ImageFactory',
    ]);
    expect(named.status, named.output).to.equal(0);
    const env = { IMAGEFACTORY_BROKER: list, IMAGEFACTORY_USER: 'alice', IMAGEFACTORY_PASSWORD: password };
    const byEnvironment = await command(['--ca', ca, 'query', 'ImageFactory'], env);
    expect(byEnvironment.status, byEnvironment.output).to.equal(0);
    for (const { output } of [named, byEnvironment]) expect(output).to.not.include('hush');
  });

  it('from a program too', async () => {
    await using console = await connectConsole({ broker: list.split(','), tls: { ca }, passwordFile });
    await console.findFactory({ timeout: 60_000 });
  });

  it('end with exit code 3 and say why, without the password', async () => {
    const untrusted = await command(['-b', front.url, '--password-file', passwordFile, 'agents']);
    expect(untrusted.status).to.equal(3);
    expect(untrusted.stderr).to.match(/an authority that is not trusted \(Test authority\).*see --ca/);
    const env = { IMAGEFACTORY_USER: 'alice', IMAGEFACTORY_PASSWORD: 'hush-wrong' };
    const refused = await command(['-b', front.url, '--ca', ca, 'agents', '--json'], env);
    expect(refused.status).to.equal(3);
    expect(refused.stderr)
      .to.include("refused the credentials of user 'alice' (PLAIN)")
      .and.not.include('hush');
  });

  it('never print the password, the agent with --debug included', async () => {
    expect(agent.program.output).to.include(front.url);
    const doctor = await Program.run(programs.agent, ['doctor'], {
      env: { IMAGEFACTORY_BROKER: front.url.replace('//', `//alice:${encodeURIComponent(password)}@`) },
    });
    for (const text of [agent.program.output, doctor.output])
      for (const form of [password, encodeURIComponent(password), 'hush']) expect(text).to.not.include(form);
  });
});
