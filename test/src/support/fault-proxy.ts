import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Direction, Lane, type LaneConditions, newConditions } from './fault-lane.js';
import { freeOwnPort } from './own-port.js';

export type { Direction } from './fault-lane.js';

const directions: readonly Direction[] = ['toBroker', 'toClient'];

/** How a connection ends: `reset` as by a crashed peer or a firewall, `end` as by one that closes its socket in the middle of a word. */
export type Ending = 'reset' | 'end';

/** Readers of the bytes of one connection, called before the bytes are passed on. */
export type ConnectionObserver = Readonly<Record<Direction, (bytes: Buffer) => void>>;

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  readonly lanes: Readonly<Record<Direction, Lane>>;
}

/**
 * A way to a broker over which a test has power: it can be slow, stop in the middle of a frame, go silent in one direction,
 * break, refuse, and lead to another port from one moment to the next.
 */
export class FaultProxy {
  readonly host = '127.0.0.1';
  readonly #pairs = new Set<Pair>();
  readonly #conditions: Readonly<Record<Direction, LaneConditions>> = {
    toBroker: newConditions(),
    toClient: newConditions(),
  };
  #server: Server;
  #port: number | undefined;
  #accepted = 0;

  private constructor(
    private target: { readonly host: string; readonly port: number },
    private readonly observe: (() => ConnectionObserver) | undefined,
  ) {
    this.#server = this.#newServer();
  }

  /**
   * @param target where the broker is
   * @param observe called for each new connection
   */
  static async start(
    target: { readonly host: string; readonly port: number },
    observe?: () => ConnectionObserver,
  ): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, observe);
    await proxy.accept();
    return proxy;
  }

  /** Where it listens; always the same. */
  get port(): number {
    return this.#port ?? 0;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Connections that there have ever been. */
  get accepted(): number {
    return this.#accepted;
  }

  /** A broker's address with this way to it in place of the direct one. */
  through(brokerUrl: string): string {
    return brokerUrl.replace(/[^/@]*:\d+(?=\/|$)/, `${this.host}:${this.port}`);
  }

  toString(): string {
    const pairs = [...this.#pairs].map(
      ({ near, far, lanes }) =>
        `near ${near.readyState}, far ${far.readyState}, ${lanes.toBroker.toString()}, ${lanes.toClient.toString()}`,
    );
    return `way to ${this.target.host}:${this.target.port}: ${pairs.join('; ') || 'no connections'}`;
  }

  /** Leads new connections to another port; those that are open stay where they are. */
  retarget(port: number): void {
    this.target = { ...this.target, port };
  }

  /** Holds every byte back for so many milliseconds; 0 for not at all. */
  delay(milliseconds: number): void {
    for (const direction of directions) this.#conditions[direction].delay = milliseconds;
  }

  /** Lets so many bytes a second through in each direction; without a number, as many as there are. */
  limitRate(bytesPerSecond = Number.POSITIVE_INFINITY): void {
    for (const direction of directions) this.#conditions[direction].bytesPerSecond = bytesPerSecond;
  }

  /**
   * Passes nothing on any more, and closes nothing: what a connection looks like whose other end has lost its power.
   *
   * @param scope whether connections that are yet to come are silent too
   */
  stall(direction: Direction | 'both', scope: 'present' | 'all' = 'present'): void {
    for (const one of directions) {
      if (direction !== 'both' && direction !== one) continue;
      if (scope === 'all') this.#conditions[one].stalled = true;
      for (const { lanes } of this.#pairs) lanes[one].stall();
    }
  }

  /** Ends every stall; what was held back goes on its way. */
  resume(): void {
    for (const direction of directions) this.#conditions[direction].stalled = false;
    for (const { lanes } of this.#pairs) for (const direction of directions) lanes[direction].resume();
  }

  /** Lets so many bytes more through in one direction, over all connections, and then ends them all. Resolves when it has. */
  cutAfter(direction: Direction, bytes: number, ending: Ending = 'reset'): Promise<void> {
    return new Promise(resolve => {
      this.#conditions[direction].budget = {
        left: bytes,
        spent: () => {
          this.cut(ending);
          resolve();
        },
      };
      if (bytes > 0) return;
      this.cut(ending);
      this.#conditions[direction].budget = undefined;
      resolve();
    });
  }

  /** Takes a cut back that has not happened yet. */
  dontCut(): void {
    for (const direction of directions) this.#conditions[direction].budget = undefined;
  }

  /** Ends every connection, now. */
  cut(ending: Ending = 'reset'): void {
    for (const { near, far } of [...this.#pairs]) {
      for (const socket of [near, far]) {
        if (ending === 'reset') reset(socket);
        else socket.destroy();
      }
    }
  }

  /** Takes no more connections; those that are open stay. */
  refuse(): void {
    this.#server.close();
  }

  /** Takes connections again, on the same port. */
  async accept(): Promise<void> {
    if (this.#server.listening) return;
    const port = (this.#port ??= await freeOwnPort());
    const server = this.#newServer();
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.host, resolve);
    });
  }

  async stop(): Promise<void> {
    this.refuse();
    this.cut();
    while (this.#pairs.size > 0) await new Promise(resolve => setImmediate(resolve));
  }

  #newServer(): Server {
    return createServer({ allowHalfOpen: true, noDelay: true }, near => this.#join(near));
  }

  #join(near: Socket): void {
    this.#accepted++;
    const far = connect({ ...this.target, noDelay: true, allowHalfOpen: true });
    const observer = this.observe?.();
    if (observer !== undefined) {
      near.on('data', observer.toBroker);
      far.on('data', observer.toClient);
    }
    const pair: Pair = {
      near,
      far,
      lanes: {
        toBroker: new Lane(near, far, this.#conditions.toBroker),
        toClient: new Lane(far, near, this.#conditions.toClient),
      },
    };
    this.#pairs.add(pair);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => reset(other));
      socket.on('close', () => {
        other.destroy();
        if (!near.closed || !far.closed) return;
        this.#pairs.delete(pair);
        for (const direction of directions) pair.lanes[direction].stop();
      });
    }
  }
}

/** A socket that has begun to end in an orderly way cannot be reset any more: Node.js would leave it open for good. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
