import { open } from 'node:fs/promises';
import { type BrokerRole, brokerRoles, type BrokerUser } from '@imagefactory/qmf';
import { readProblem } from '../files/read-problem.js';
import { UsageError } from './usage-error.js';

/** Who may log in to the embedded broker. */
export interface BrokerUsers {
  readonly users: Readonly<Record<string, BrokerUser>>;
  /** Role of peers that do not log in; without it they are not let in. */
  readonly anonymous?: BrokerRole;
}

/** The name that the agent itself has at its broker. */
export const ownBrokerUser = 'imagefactory-agent';

const longestFile = 1 << 20;
const othersMayRead = 0o044;

/**
 * Reads the file of `--embedded-broker-users`: `{"users": {"NAME": {"role": …, "password": …}, …}, "anonymous": …}`.
 *
 * @throws UsageError that names the file, the field, and what is expected there; it never repeats a password
 */
export async function readBrokerUsers(path: string): Promise<BrokerUsers> {
  try {
    return brokerUsersFrom(await textOf(path));
  } catch (error) {
    throw new UsageError(`--embedded-broker-users ${path}: ${readProblem(error)}`);
  }
}

async function textOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { mode, size } = await file.stat();
    if ((mode & othersMayRead) !== 0) {
      throw new Error(`other users of this machine can read the passwords in it; chmod 600 makes it private`);
    }
    if (size > longestFile) throw new Error(`it has more than ${longestFile} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile());
  } finally {
    await file.close();
  }
}

/** @throws Error that names the field */
export function brokerUsersFrom(text: string): BrokerUsers {
  const { users, anonymous } = fieldsOf(jsonOf(text), 'the file', ['users', 'anonymous']);
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

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The message of the parser quotes the text, and there are passwords in it.
    throw new Error('it is no JSON', { cause });
  }
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
