import { type BrokerRole, brokerRoles, type BrokerUser } from '@imagefactory/qmf/broker';
import { parsePlainJson, readTextFile } from '@imagefactory/text';
import { errorLine } from '@imagefactory/factory/platform';
import { UsageError } from './usage-error.js';

/** Who may log in to the embedded broker. */
export interface BrokerUsers {
  readonly users: Readonly<Record<string, BrokerUser>>;
  /** Role of peers that do not log in; without it they are not let in. */
  readonly anonymous?: BrokerRole;
}

/** The name that the agent itself has at its broker. */
export const ownBrokerUser = 'imagefactory-agent';

/**
 * Reads the file of `--embedded-broker-users`: `{"users": {"NAME": {"role": …, "password": …}, …}, "anonymous": …}`.
 *
 * @throws UsageError or QmfError `invalid_argument` that names the file, the field, and what is expected there; it never repeats a password
 */
export async function readBrokerUsers(path: string): Promise<BrokerUsers> {
  const name = `--embedded-broker-users ${path}`;
  const text = await readTextFile(path, { name, ownerOnly: true });
  try {
    return brokerUsersFrom(text);
  } catch (error) {
    throw new UsageError(`${name}: ${errorLine(error)}`);
  }
}

/** @throws Error that names the field */
export function brokerUsersFrom(text: string): BrokerUsers {
  const { users, anonymous } = fieldsOf(parsePlainJson(text, 'the file'), 'the file', ['users', 'anonymous']);
  if (!isObject(users) || Object.keys(users).length === 0) {
    throw new Error('users: an object is expected, {"NAME": {"role": "console", "password": "…"}, …}');
  }
  const entries = Object.entries(users).map(([name, user]) => [name, userOf(name, user)] as const);
  const read = { users: Object.fromEntries(entries) };
  return anonymous === undefined ? read : { ...read, anonymous: roleOf(anonymous, 'anonymous') };
}

function userOf(name: string, value: unknown): BrokerUser {
  const where = `users.${name}`;
  if (name === ownBrokerUser) throw new Error(`${where}: the agent itself has this name; choose another`);
  if (name === '' || name.includes('\0'))
    throw new Error(`${where}: a name has at least one character, no NUL`);
  const { role, password } = fieldsOf(value, where, ['role', 'password']);
  if (typeof password !== 'string' || password === '' || password.includes('\0')) {
    throw new Error(`${where}.password: a text is expected that is not empty and holds no NUL`);
  }
  return { role: roleOf(role, `${where}.role`), password };
}

function roleOf(value: unknown, where: string): BrokerRole {
  const role = brokerRoles.find(each => each === value);
  if (role === undefined) throw new Error(`${where}: one of ${brokerRoles.join(', ')} is expected`);
  return role;
}

function fieldsOf(
  value: unknown,
  where: string,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw new Error(`${where}: an object with ${names.join(' and ')} is expected`);
  const unknown = Object.keys(value).find(name => !names.includes(name));
  if (unknown !== undefined) {
    throw new Error(`${where}: ${JSON.stringify(unknown)} is not known; there are ${names.join(' and ')}`);
  }
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
