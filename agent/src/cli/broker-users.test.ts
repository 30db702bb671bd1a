import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BusConnection, transportsFor } from '@imagefactory/qmf';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { recordingLogger } from '@imagefactory/factory/testing';
import { brokerUsersFrom, ownBrokerUser, readBrokerUsers } from './broker-users.js';
import { startEmbeddedBroker, stopEmbeddedBroker } from './embedded-broker.js';

const operator = { role: 'console', password: 'operator-password' } as const;
const screen = { role: 'watcher', password: 'screen-password' } as const;

describe('the users of the embedded broker', () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'imagefactory-users-'));
  });
  after(() => rm(home, { recursive: true }));
  const fileOf = async (text: string | Buffer, mode = 0o600): Promise<string> => {
    const path = join(home, 'users.json');
    await writeFile(path, text);
    await chmod(path, mode);
    return path;
  };
  const failureOf = async (path: string): Promise<string> => {
    try {
      await readBrokerUsers(path);
    } catch (error) {
      if (error instanceof Error) return error.message;
    }
    throw new Error('it was read');
  };

  it('are read with their roles, a byte order mark or not', async () => {
    const text = JSON.stringify({ users: { operator, screen }, anonymous: 'watcher' });
    const expected = { users: { operator, screen }, anonymous: 'watcher' };
    expect(await readBrokerUsers(await fileOf(text))).to.deep.equal(expected);
    expect(await readBrokerUsers(await fileOf(`\uFEFF${text}`))).to.deep.equal(expected);
  });

  const wrong: readonly [text: string, message: RegExp][] = [
    ['secret', /the file is no JSON: line 1, column \d+/],
    ['{"users": {"x": {"role": "console", "password": "secret"}}', /the file is no JSON: line 1, column \d+/],
    ['[]', /the file: an object with users and anonymous is expected/],
    ['{}', /users: an object is expected/],
    ['{"users": {}}', /users: an object is expected/],
    ['{"users": {"x": "secret"}}', /users\.x: an object with role and password is expected/],
    [
      '{"users": {"x": {"password": "secret"}}}',
      /users\.x\.role: one of agent, console, watcher is expected/,
    ],
    ['{"users": {"x": {"role": "admin", "password": "secret"}}}', /users\.x\.role: one of/],
    ['{"users": {"x": {"role": "agent"}}}', /users\.x\.password: a text is expected/],
    ['{"users": {"x": {"role": "agent", "password": ""}}}', /users\.x\.password/],
    ['{"users": {"x": {"role": "agent", "password": 5}}}', /users\.x\.password/],
    ['{"users": {"x": {"role": "agent", "password": "secret\\u0000"}}}', /users\.x\.password/],
    ['{"users": {"x": {"role": "agent", "pasword": "secret"}}}', /users\.x: "pasword" is not known/],
    [`{"users": {"${ownBrokerUser}": {"role": "agent", "password": "secret"}}}`, /the agent itself/],
    ['{"users": {"": {"role": "agent", "password": "secret"}}}', /a name has at least one character/],
    ['{"users": {"x": {"role": "agent", "password": "secret"}}, "anonymous": true}', /anonymous: one of/],
    ['{"users": {"x": {"role": "agent", "password": "secret"}}, "allow": []}', /"allow" is not known/],
  ];
  for (const [text, message] of wrong) {
    it(`are refused by the name of the field, without a password: ${text}`, () => {
      expect(() => brokerUsersFrom(text))
        .to.throw(message)
        .with.property('message')
        .that.does.not.include('secret');
    });
  }

  it('are refused in a file that others can read, that is too long, no UTF-8, or missing', async () => {
    const text = JSON.stringify({ users: { operator } });
    for (const mode of [0o604, 0o640, 0o644]) {
      expect(await failureOf(await fileOf(text, mode))).to.match(/^--embedded-broker-users .*chmod 600/);
    }
    expect(await failureOf(await fileOf(text + ' '.repeat(1 << 20)))).to.match(/more than 1048576 bytes/);
    expect(await failureOf(await fileOf(Buffer.from([0x22, 0xff, 0x22])))).to.match(
      /--embedded-broker-users/,
    );
    expect(await failureOf(join(home, 'missing'))).to.match(/there is no such file/);
    expect(await failureOf(home)).to.match(/chmod 600|it is a directory/);
  });

  it('have their rights; the agent has a password of its own, and nobody else comes in', async () => {
    const log = recordingLogger();
    const broker = await startEmbeddedBroker(
      { domain: 'default', users: { users: { operator, screen } }, port: 0 },
      log,
    );
    const binding = { exchange: 'qmf.default.topic', exchangeType: 'topic', create: false } as const;
    const connect = (login: object): BusConnection =>
      new BusConnection(transportsFor(broker.url, { onWarning: () => undefined, ...login }));
    const codeOf = async (login: object, key: string): Promise<string> => {
      const connection = connect(login);
      connection.start();
      try {
        await connection.ready();
        (await connection.bind({ ...binding, key }, () => undefined))();
        return 'bound';
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      } finally {
        await connection.close();
      }
    };
    const own = broker.login ?? {};
    expect(own).to.have.property('user', ownBrokerUser);
    expect(await codeOf(own, 'direct-agent.route.1')).to.equal('bound');
    expect(await codeOf({ user: 'operator', password: operator.password }, 'direct-console.1')).to.equal(
      'bound',
    );
    expect(await codeOf({ user: 'screen', password: screen.password }, 'direct-agent.route.1')).to.equal(
      'not_authorised',
    );
    await stopEmbeddedBroker(broker);
  });
});
