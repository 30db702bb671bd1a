import { type BrokerRole, Rights } from './rights.js';
import { type Owner, type Quotas, type Shares, sharesOf } from './quota.js';

/** The name of a peer that has shown no password, as qpidd calls it. */
export const ANONYMOUS = 'anonymous';

/** A peer as the broker charges it: a user over all its connections, or one connection without a user. */
export class Client implements Owner {
  readonly shares: Shares;
  connections = 0;
  /** Links beyond its share that it has not detached yet. */
  refusedLinks = 0;
  /** Undefined where it may do everything. */
  readonly rights: Rights | undefined;

  constructor(
    /** The user that showed a password; undefined for a peer that did not. */
    readonly user: string | undefined,
    /** The name that its messages may carry; undefined at a broker without users, which checks no names. */
    readonly name: string | undefined,
    role: BrokerRole | undefined,
    quotas: Quotas,
  ) {
    this.shares = sharesOf(quotas);
    this.rights = role === undefined ? undefined : new Rights(user ?? ANONYMOUS, role);
  }

  /** What its queues are known by as its own, also when it comes again: a user has no other name. */
  get maker(): unknown {
    return this.user ?? this;
  }
}

/** The clients that are connected. */
export class Clients {
  /** Open connections, of all clients. */
  #connections = 0;
  #withoutUser = 0;
  readonly #byUser = new Map<string, Client>();

  constructor(
    private readonly quotas: Quotas,
    private readonly checksNames: boolean,
    private readonly roleOf: (user: string | undefined) => BrokerRole | undefined,
    /** The last connection of a client has closed. */
    private readonly left: (client: Client) => void,
  ) {}

  get connections(): number {
    return this.#connections;
  }

  /** Connections of a user, or of all peers without one. */
  connectionsOf(user: string | undefined): number {
    return user === undefined ? this.#withoutUser : (this.#byUser.get(user)?.connections ?? 0);
  }

  enter(user: string | undefined): Client {
    let client = user === undefined ? undefined : this.#byUser.get(user);
    if (client === undefined) {
      client = new Client(
        user,
        this.checksNames ? (user ?? ANONYMOUS) : undefined,
        this.roleOf(user),
        this.quotas,
      );
      if (user !== undefined) this.#byUser.set(user, client);
    }
    client.connections++;
    this.#connections++;
    if (user === undefined) this.#withoutUser++;
    return client;
  }

  leave(client: Client): void {
    this.#connections--;
    if (client.user === undefined) this.#withoutUser--;
    if (--client.connections > 0) return;
    if (client.user !== undefined) this.#byUser.delete(client.user);
    this.left(client);
  }
}
