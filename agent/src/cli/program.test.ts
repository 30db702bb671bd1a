import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type Ran, runProgram } from '../testing/command.test.fixture.js';
import { recordingLogger } from '@imagefactory/factory/testing';
import { chooseBroker } from './broker-choice.js';
import { startEmbeddedBroker, stopEmbeddedBroker } from './embedded-broker.js';
import { packageVersion } from './version.js';

/** @param stdout a file for standard output */
function start(stdout: number | 'pipe', ...args: string[]): Ran {
  const main = new URL('./main.js', import.meta.url).pathname;
  return spawnSync(process.execPath, [main, ...args], {
    stdio: ['ignore', stdout, 'pipe'],
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, NO_COLOR: '1' },
  });
}

describe('the command imagefactory', () => {
  it('documents its options and exit codes', async () => {
    const { status, stdout } = await runProgram('--help');
    expect(status).to.equal(0);
    for (const word of [
      '--broker',
      '--qpidd',
      '--imgdir',
      '--keep-finished',
      '--keep-records',
      '--ca',
      '--cert',
      '--key',
      '--server-name',
      '--sasl',
      '--password-file',
      '--protocol',
      '--dialect',
      'IMAGEFACTORY_PASSWORD_FILE',
      'doctor',
      'Exit codes:',
      '4  stopped, but something was left',
      '130, 143',
    ]) {
      expect(stdout).to.include(word);
    }
  });

  for (const command of ['', 'doctor', 'template validate', 'image', 'image list']) {
    it(`has help that fits a terminal of 80 columns: ${command} --help`, async () => {
      const { stdout } = await runProgram(...command.split(' ').filter(word => word !== ''), '--help');
      expect(stdout.split('\n').filter(line => line.length > 80 && !/\[\/vhost\]/.test(line))).to.deep.equal(
        [],
      );
    });
  }

  it('tells its version', () => {
    expect(start('pipe', '--version').stdout).to.equal(`imagefactory ${packageVersion()}\n`);
  });

  for (const [args, complaint] of [
    [[], 'imagefactory: nothing to do: give --qmf to run the agent, or the command doctor (see --help)'],
    [
      ['--qmf', '--timeout', '0'],
      "imagefactory: option '--timeout <seconds>' argument '0' is invalid. Give a whole number from 1 to 2000000.",
    ],
    [
      ['--qmf', '--body-form', 'x'],
      "imagefactory: option '--body-form <form>' argument 'x' is invalid. Allowed choices are value, data, auto.",
    ],
    [['--qmf', '--qmf-domain', 'a.b'], 'is invalid. Give letters, digits, - and _ only.'],
    [['--bogus'], "imagefactory: unknown option '--bogus'"],
    [
      ['frob'],
      "imagefactory: unknown command 'frob'; there are doctor, template, image and store (see --help)",
    ],
    [
      ['--qmf', '--broker', 'a', '--qpidd', 'b'],
      'imagefactory: --broker and --qpidd mean the same thing; give one of them',
    ],
    [
      ['--qmf', '--broker', 'a', '--embedded-broker'],
      'imagefactory: --embedded-broker brings a broker along;',
    ],
    [['--qmf', '--broker', 'amqp://u:geheim@h:x/'], "imagefactory: broker 'amqp://***@h:x/'"],
    [['--qmf', '--broker', 'a,amqp://u:geheim,geheim@h'], "imagefactory: broker '***@h': a broker of a list"],
    [
      ['--qmf', '--dialect', 'x'],
      'Allowed choices are qpidd, broker-j, rabbitmq3, rabbitmq4, artemis, embedded.',
    ],
    [['--qmf', '--protocol', '2'], 'Allowed choices are 1.0, 0-9-1.'],
    [['--qmf', '--idle-timeout', '1'], "imagefactory: --idle-timeout: '1' is no number of seconds"],
    [['--qmf', '--give-up-after', '0'], 'Give a whole number from 1 to 31536000.'],
    [['--qmf', '--sasl', 'x'], 'Allowed choices are anonymous, plain, external, scram-sha-1,'],
    [
      ['--qmf', '--ca', '/ca.pem'],
      'imagefactory: options for TLS were given, but amqp://localhost:5672 is without',
    ],
    [
      ['--qmf', '--broker', 'amqps://localhost', '--ca', '/nowhere/ca.pem'],
      'imagefactory: the TLS CA file /nowhere/ca.pem cannot be read: there is no such file',
    ],
    [
      ['--qmf', '--broker', 'amqp://user:2024/geheim@h'],
      "imagefactory: broker 'amqp://***@h': the user or password holds a /, which is written %2F there",
    ],
    [['--qmf', '--broker', 'wss://user:20?geheim@h'], "imagefactory: broker 'wss://***@h': the scheme"],
    [['amqp://user:2024/geheim@h'], "imagefactory: unknown command 'amqp://***@h'"],
    [['doctor', '--amqp://user:2024/geheim@h'], "imagefactory: unknown option '***@h'"],
    [
      ['--qmf', '--acl', '/nowhere/acl'],
      'imagefactory: --acl /nowhere/acl cannot be read: there is no such file\n',
    ],
    [
      ['--qmf', '--password-file', '/nowhere/password'],
      'imagefactory: the password file /nowhere/password cannot be read: there is no such file',
    ],
  ] as const) {
    it(`refuses [${args.join(' ')}] with status 2`, async () => {
      const { status, stderr } = await runProgram(...args);
      expect(stderr).to.include(complaint).and.not.include('geheim');
      expect(status).to.equal(2);
    });
  }

  it('ends with status 2 after wrong use as a program too', () => {
    const { status, stderr } = start('pipe', '--bogus');
    expect({ status, stderr }).to.deep.equal({
      status: 2,
      stderr: "imagefactory: unknown option '--bogus'\n",
    });
  });

  for (const args of [['--help'], ['doctor', '--json'], ['image', 'list', '--json', '--imgdir', tmpdir()]]) {
    it(`ends with 74 and one line when its output cannot be written: ${args.join(' ')}`, () => {
      const full = openSync('/dev/full', 'w');
      const { status, stderr } = start(full, ...args);
      closeSync(full);
      expect(stderr).to.equal('imagefactory: standard output cannot be written: the disk is full (ENOSPC)\n');
      expect(status).to.equal(74);
    });
  }

  it('prints the health of its plugins as JSON', () => {
    const { status, stdout } = start('pipe', 'doctor', '--json');
    const report = JSON.parse(stdout) as { ready: boolean; plugins: { name: string }[] };
    expect(report.plugins.map(({ name }) => name)).to.include.members(['mock', 'debian', 'openstack-kvm']);
    expect(status).to.equal(report.ready ? 0 : 3);
  });

  it('gives up on a broker when told to, and ends with status 1', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cli-test-'));
    const places = ['--imgdir', directory, '--tmpdir', directory];
    const { status, stdout } = start(
      'pipe',
      ...['--qmf', '--foreground', ...places, '--broker', '127.0.0.1:1', '--give-up-after', '1'],
    );
    expect(stdout).to.match(/ERROR  given up on amqp:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
    expect(stdout).to.match(/NOTICE stopped/);
    expect(status).to.equal(1);
    await rm(directory, { recursive: true });
  });

  it('says on one line why it cannot start, and ends with status 1', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cli-test-'));
    const file = join(directory, 'file');
    await writeFile(file, '');
    const { status, stdout } = start(
      'pipe',
      '--qmf',
      '--foreground',
      '--imgdir',
      file,
      '--tmpdir',
      directory,
      '--broker',
      '127.0.0.1:1',
    );
    expect(stdout.trim().split('\n')).to.have.lengthOf(1);
    expect(stdout).to.match(/ERROR  the agent could not start: .*EEXIST/);
    expect(status).to.equal(1);
    expect(await readdir(directory)).to.deep.equal(['file']);
    await rm(directory, { recursive: true });
  });
});

describe('the choice of a broker', () => {
  it('is localhost, the one given under either name, or the embedded one', () => {
    const localhost = { scheme: 'amqp', host: 'localhost', port: 5672 };
    const none = { kind: 'addresses', options: {} };
    expect(chooseBroker({}, () => false, {})).to.deep.equal({ ...none, addresses: [localhost] });
    expect(chooseBroker({ broker: [''] }, () => false, {})).to.deep.equal({
      ...none,
      addresses: [localhost],
    });
    const other = { ...none, addresses: [{ ...localhost, host: 'b', port: 1 }] };
    expect(chooseBroker({ broker: ['b:1'] }, () => true, {})).to.deep.equal(other);
    expect(chooseBroker({ qpidd: ['b:1'] }, () => false, {})).to.deep.equal(other);
    const embedded = { embeddedBroker: true, broker: ['from the environment'] } as const;
    expect(chooseBroker(embedded, () => false, {})).to.deep.equal({ kind: 'embedded' });
    expect(chooseBroker({ ...embedded, embeddedBrokerUsers: '/u' }, () => false, {})).to.deep.equal({
      kind: 'embedded',
      usersFile: '/u',
    });
    expect(() => chooseBroker({ embeddedBrokerUsers: '/u' }, () => false, {})).to.throw('--embedded-broker');
  });

  it('keeps the order of several, and has options and environment for all of them', () => {
    const choice = chooseBroker({ broker: ['amqps://a,amqps://b', 'amqps://c'], ca: '/ca.pem' }, () => true, {
      IMAGEFACTORY_USER: 'alice',
      IMAGEFACTORY_PASSWORD: 'hush',
    });
    if (choice.kind !== 'addresses') throw new Error('an address was given');
    expect(choice.addresses.map(({ host }) => host)).to.deep.equal(['a', 'b', 'c']);
    expect(choice.options).to.deep.equal({ tls: { ca: '/ca.pem' }, user: 'alice', password: 'hush' });
  });
});

describe('the embedded broker', () => {
  it('takes another port when the usual one is taken, and says so', async () => {
    const log = recordingLogger();
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const address = blocker.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const broker = await startEmbeddedBroker({ domain: 'default', port: address.port }, log);
    expect(broker.port).not.to.equal(address.port);
    expect(log.lines).to.include(
      `notice: port ${address.port} is taken; the embedded broker listens on 127.0.0.1:${broker.port} instead`,
    );
    await stopEmbeddedBroker(broker);
    blocker.close();
  });
});
