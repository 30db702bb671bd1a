import type { ExchangeType } from './exchange.js';
import { ANONYMOUS } from './clients.js';
import { QmfError } from '../errors.js';
import type { BrokerFaults } from './faults/index.js';
import type { QueueBounds } from './queue.js';
import { type BrokerLimits, defaultLimits } from './quota.js';
import { type BrokerRole, brokerRoles } from './rights.js';
import { sparing } from './sparing.js';

/** Something that happened in the broker and that an operator may want to see. Holds no secrets and no message contents. */
export interface BrokerEvent {
  readonly level: 'debug' | 'info' | 'warn';
  readonly message: string;
}

export interface BrokerUser {
  readonly password: string;
  readonly role?: BrokerRole;
}

export interface BrokerOptions {
  /** Address to listen on; default `127.0.0.1`. The broker is meant for one machine. */
  readonly host?: string;
  /** Port to listen on; default 0, which takes a free one. */
  readonly port?: number;
  /**
   * Users by name, for SASL PLAIN: a password, or a password with a role. A user without a role may do everything. Without users,
   * ANONYMOUS (or no SASL at all) is enough.
   */
  readonly users?: Readonly<Record<string, string | BrokerUser>>;
  /** Lets ANONYMOUS in although there are users; default false. Takes an {@link anonymousRole} where a user has a role. */
  readonly allowAnonymous?: boolean;
  /** Role of peers without a user; by default they may do everything. */
  readonly anonymousRole?: BrokerRole;
  /** Exchanges beside the four that qpidd has; those of a QMF domain are `qmf.DOMAIN.topic` and `qmf.DOMAIN.direct`. */
  readonly exchanges?: Readonly<Record<string, 'topic' | 'direct'>>;
  /** Bounds of every queue; default 20000 messages and 32 MiB, `reject` when full. */
  readonly queueBounds?: Partial<QueueBounds>;
  /** Totals of the whole broker, of which no client gets all. */
  readonly limits?: Partial<BrokerLimits>;
  /**
   * A queue or exchange that a client made and that nobody uses goes after this many milliseconds, or up to twice as many;
   * default 300000.
   */
  readonly unusedNodeTimeout?: number;
  /** The longest message taken, in bytes; default 16 MiB. */
  readonly maxMessageSize?: number;
  /** max-frame-size of the connections, in bytes; default 65536. */
  readonly maxFrameSize?: number;
  /** Sessions of one connection (channel-max) and links of one session (handle-max); default 256 and 1024. */
  readonly maxSessions?: number;
  readonly maxLinks?: number;
  /** A peer that is silent for twice as long (milliseconds) is cut off; default 60000, 0 for never. */
  readonly idleTimeout?: number;
  /** A peer has this many milliseconds to authenticate and open its connection; default 10000. */
  readonly handshakeTimeout?: number;
  /**
   * Connections at one time; default 1000. One user gets at most half of them, and at most as many as are left; so do all peers
   * without a user together, where others have one.
   */
  readonly maxConnections?: number;
  /** Connections at one time that have not been opened yet; default 100. Beyond it the oldest of them is cut off. */
  readonly maxHandshakes?: number;
  /** Bytes of output that wait for slow peers, of all connections, from which on each of those gets less at a time; default 64 MiB. */
  readonly maxOutput?: number;
  /** Gets what happens; of warnings 20 in a row, then one each 3 seconds, which counts those that were left out. */
  readonly onEvent?: (event: BrokerEvent) => void;
  /** Clock in milliseconds for the ttl of messages; default `Date.now`. */
  readonly now?: () => number;
  /** Functions that are asked what to do wrong; {@link RunningBroker.faults} has switches for all there is. */
  readonly faults?: BrokerFaults;
}

/** Options with every default filled in. */
export interface BrokerSettings {
  readonly host: string;
  readonly port: number;
  readonly users: ReadonlyMap<string, BrokerUser>;
  readonly anonymousRole: BrokerRole | undefined;
  readonly allowAnonymous: boolean;
  readonly exchanges: ReadonlyMap<string, ExchangeType>;
  readonly queueBounds: QueueBounds;
  readonly limits: BrokerLimits;
  readonly unusedNodeTimeout: number;
  readonly maxMessageSize: number;
  readonly maxFrameSize: number;
  readonly maxSessions: number;
  readonly maxLinks: number;
  readonly idleTimeout: number;
  readonly handshakeTimeout: number;
  readonly maxConnections: number;
  readonly maxHandshakes: number;
  readonly maxOutput: number;
  readonly onEvent: (event: BrokerEvent) => void;
  readonly now: () => number;
  readonly faults: BrokerFaults;
}

const standardExchanges: Readonly<Record<string, ExchangeType>> = {
  'qmf.default.topic': 'management-topic',
  'qmf.default.direct': 'management-direct',
  'amq.topic': 'topic',
  'amq.direct': 'direct',
};

/** @throws QmfError `invalid_argument` for users or roles that leave a door open which the others close */
export function brokerSettings(options: BrokerOptions): BrokerSettings {
  const users = new Map(Object.entries(options.users ?? {}).map(([name, user]) => [name, userOf(user)]));
  checkUsers(users, options);
  const now = options.now ?? Date.now;
  return {
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    users,
    anonymousRole: options.anonymousRole,
    allowAnonymous: users.size === 0 || options.allowAnonymous === true,
    // The standard ones win: they have to be what QMF expects.
    exchanges: new Map(Object.entries({ ...options.exchanges, ...standardExchanges })),
    queueBounds: { maxMessages: 20_000, maxBytes: 32 << 20, whenFull: 'reject', ...options.queueBounds },
    limits: { ...defaultLimits, ...options.limits },
    unusedNodeTimeout: Math.max(options.unusedNodeTimeout ?? 300_000, 1),
    maxMessageSize: options.maxMessageSize ?? 16 << 20,
    maxFrameSize: Math.max(options.maxFrameSize ?? 65_536, 512),
    maxSessions: options.maxSessions ?? 256,
    maxLinks: options.maxLinks ?? 1024,
    idleTimeout: options.idleTimeout ?? 60_000,
    handshakeTimeout: options.handshakeTimeout ?? 10_000,
    maxConnections: options.maxConnections ?? 1000,
    maxHandshakes: Math.max(options.maxHandshakes ?? 100, 1),
    maxOutput: options.maxOutput ?? 64 << 20,
    onEvent: sparing(options.onEvent ?? (() => undefined), now),
    now,
    faults: options.faults ?? {},
  };
}

function userOf(user: string | BrokerUser): BrokerUser {
  return typeof user === 'string' ? { password: user } : user;
}

function checkUsers(users: ReadonlyMap<string, BrokerUser>, options: BrokerOptions): void {
  const { allowAnonymous, anonymousRole } = options;
  for (const [name, { password, role }] of users) {
    if (name === '' || name.includes('\0')) {
      throw new QmfError('invalid_argument', 'users: a name has at least one character, none of them NUL');
    }
    if (name === ANONYMOUS)
      throw new QmfError(
        'invalid_argument',
        `users.${name}: peers without a password go by that name; choose another`,
      );
    checkRole(`users.${name}.role`, role);
    // SASL PLAIN ends the password at a NUL.
    if (password.includes('\0')) {
      throw new QmfError('invalid_argument', `users.${name}.password: it holds a NUL; choose another`);
    }
    if (role !== undefined && allowAnonymous === true && anonymousRole === undefined) {
      const remedy = 'give "anonymousRole", or leave "allowAnonymous" out';
      throw new QmfError(
        'invalid_argument',
        `allowAnonymous: peers without a user could do everything, and users.${name} could not; ${remedy}`,
      );
    }
  }
  checkRole('anonymousRole', anonymousRole);
}

function checkRole(field: string, role: BrokerRole | undefined): void {
  if (role === undefined || brokerRoles.includes(role)) return;
  throw new QmfError(
    'invalid_argument',
    `${field}: ${JSON.stringify(role)} is no role; there are ${brokerRoles.join(', ')}`,
  );
}
