import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningAgent, startAgent } from '@imagefactory/agent';
import { type Build, type ConnectedConsole, connectConsole, QmfError } from '@imagefactory/console-client';
import type { OsPlugin } from '@imagefactory/plugin-api';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { BusConnection, type DataAddress, type Transport, transportFor } from '@imagefactory/qmf';
import { FaultProxy } from '../support/fault-proxy.js';
import { until } from '../support/until.js';
import { BuildWatch, type Outcome } from './build-watch.js';
import { retry } from './retry.js';
import { placeOf, type Site } from './site.js';

export interface StageOptions {
  /** Milliseconds of silence after which a peer is taken for dead; default 30 000. */
  readonly idleTimeout?: number;
  /** Milliseconds of silence after which consoles take an agent for gone; default a minute. */
  readonly maxAgentAge?: number;
  /** Milliseconds after which consoles ask about a build that they heard nothing of; default as that of consoles. */
  readonly silence?: number;
  /** Milliseconds after which bindings are put in place anew; default as that of connections. */
  readonly renewal?: number;
  /**
   * Milliseconds that the first try of a call may take; default 2000. A request is lost for good when the agent loses its connection, and
   * with it the queue in which the request waits. Further tries may take up to four times as long: on a busy machine all would be too short.
   */
  readonly callTimeout?: number;
  /** Milliseconds that everything may take to come to its end once the faults are over; default two minutes. */
  readonly patience?: number;
}

export interface AgentChoice {
  /** Milliseconds that each of the eight steps of a build takes; default 60, and 150 where others share the broker. */
  readonly stepDelay?: number;
  /** Builds make no step before this is settled. */
  readonly gate?: Promise<void>;
  /** The broker, or several. */
  readonly bus?: Transport | readonly Transport[];
}

/** One agent, its consoles, the way of each side to the broker, and what was seen; in a QMF domain of its own. */
export class Stage {
  readonly domain = `f${randomUUID().slice(0, 8)}`;
  readonly watches: BuildWatch[] = [];
  /** Calls that failed with an error that allows another try. */
  failedCalls = 0;
  readonly #cleanUps: (() => Promise<void>)[] = [];
  readonly #calls = new Set<Promise<unknown>>();

  private constructor(
    readonly site: Site,
    readonly options: StageOptions,
    /** Between the agent and the broker. */
    readonly agentSide: FaultProxy,
    /** Between the consoles and the broker. */
    readonly consoleSide: FaultProxy,
  ) {}

  /** Plays a scenario, holds what was seen to what must hold always, and takes everything down. */
  static async play(site: Site, options: StageOptions, run: (stage: Stage) => Promise<void>): Promise<void> {
    const target = placeOf(site.url);
    const stage = new Stage(site, options, await FaultProxy.start(target), await FaultProxy.start(target));
    try {
      await run(stage);
      await stage.#check();
      await stage.#takeDown();
      await stage.#nothingLeft();
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${stage.#story()}`, {
        cause: error,
      });
    } finally {
      await stage.#takeDown();
      await Promise.all([stage.agentSide.stop(), stage.consoleSide.stop()]);
    }
  }

  /** What must be undone when the scenario is over, whatever came of it; the last first. */
  onEnd(cleanUp: () => Promise<void>): void {
    this.#cleanUps.push(cleanUp);
  }

  transport(proxy: FaultProxy, clientName: string, url = this.site.url): Transport {
    const { idleTimeout } = this.options;
    return transportFor(proxy.through(url), {
      clientName,
      ...(idleTimeout === undefined ? {} : { idleTimeout }),
    });
  }

  async directory(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'imagefactory-faults-'));
    this.onEnd(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  /** The agent in this process, on its bus. */
  async agent({ stepDelay = this.site.long ? 150 : 60, gate, bus }: AgentChoice = {}): Promise<RunningAgent> {
    const directory = await this.directory();
    const connection = new BusConnection(bus ?? this.transport(this.agentSide, 'agent'), {
      retry,
      ...this.#renewal,
    });
    this.onEnd(() => connection.close());
    const agent = await startAgent({
      bus: connection,
      plugins: [gated(mockOs({ stepDelay }), gate), mockCloud({ stepDelay })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: directory,
      domain: this.domain,
      interval: 1,
      maxConcurrent: 100,
    });
    this.onEnd(async () => {
      await agent.stop();
    });
    await agent.ready({ timeout: 60_000 });
    return agent;
  }

  /** A console on the bus, by its own connection. */
  async console(
    transport: Transport | readonly Transport[] = this.transport(this.consoleSide, 'console'),
  ): Promise<ConnectedConsole> {
    // The first connection is tried once by itself; a broker under load may not answer in time.
    const client = await this.retrying(() =>
      connectConsole({
        transport,
        retry,
        domain: this.domain,
        ...this.#renewal,
        ...(this.options.silence === undefined ? {} : { silence: this.options.silence }),
        maxAgentAge: this.options.maxAgentAge ?? 60_000,
        timeout: 60_000,
      }),
    );
    this.onEnd(() => client.close());
    return client;
  }

  /** Orders a build and watches it; tries again as long as the error says that one may. */
  async order(client: ConnectedConsole, descriptor = '<template></template>'): Promise<BuildWatch> {
    const build = await this.retrying(async timeout => {
      const factory = await client.findFactory({ timeout });
      return factory.buildImage({ descriptor, target: 'mock' }, { timeout });
    });
    return this.watch(build, 'its caller');
  }

  /** Watches a build that another console ordered. */
  async follow(client: ConnectedConsole, address: DataAddress, watcher = 'an observer'): Promise<BuildWatch> {
    const same = await this.retrying(async timeout => {
      const factory = await client.findFactory({ timeout });
      return factory.build(address, { timeout });
    });
    return this.watch(same, watcher);
  }

  watch(build: Build, watcher: string): BuildWatch {
    const watch = new BuildWatch(build, watcher);
    this.watches.push(watch);
    return watch;
  }

  /** A call that must settle before the scenario is over, whichever way. */
  async call<T>(making: Promise<T>): Promise<T> {
    this.#calls.add(making);
    try {
      return await making;
    } finally {
      this.#calls.delete(making);
    }
  }

  /**
   * Repeats a call until it is answered; an error that forbids that is thrown. A call that was not answered in time may have been carried out.
   *
   * @param make gets the milliseconds that this try may take
   */
  async retrying<T>(make: (timeout: number) => Promise<T>): Promise<T> {
    let left = this.patience;
    const first = this.options.callTimeout ?? 2_000;
    for (let timeout = first; ; ) {
      try {
        return await this.call(make(timeout));
      } catch (error) {
        if (!(error instanceof QmfError) || !error.retryable || left <= 0) throw error;
        this.failedCalls++;
        const isLate = error.code === 'timeout';
        left -= isLate ? timeout : 20;
        if (isLate) timeout = Math.min(2 * timeout, 4 * first);
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    }
  }

  get #renewal(): { readonly renewal?: number } {
    const { renewal } = this.options;
    return renewal === undefined ? {} : { renewal };
  }

  get patience(): number {
    return this.options.patience ?? 120_000;
  }

  /** Waits until all builds that are watched have ended for their watchers; gives how, in the order of the watches. */
  async outcomes(): Promise<Outcome[]> {
    await until('every watched build has ended', () => this.watches.every(({ over }) => over), this.patience);
    return this.watches.map(watch => watch.outcome());
  }

  async #check(): Promise<void> {
    await this.outcomes();
    await until('every call has settled', () => this.#calls.size === 0);
  }

  async #takeDown(): Promise<void> {
    for (const cleanUp of this.#cleanUps.splice(0).reverse()) await cleanUp();
  }

  async #nothingLeft(): Promise<void> {
    const sides = [this.agentSide, this.consoleSide];
    for (const side of sides) side.resume(); // a way that is silent does not show how connections end
    const closed = (): boolean => sides.every(({ connections }) => connections === 0);
    await until('all connections are closed', closed).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${sides.map(String).join(', ')}`);
    });
  }

  #story(): string {
    return this.watches
      .filter(({ over, error }) => !over || error !== undefined)
      .slice(0, 5)
      .join('\n');
  }
}

/** Holds a plugin's builds at a gate. */
function gated(plugin: OsPlugin, gate: Promise<void> = Promise.resolve()): OsPlugin {
  return {
    ...plugin,
    buildBase: async (template, context) => {
      const aborted = new Promise<void>(resolve => {
        context.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([gate, aborted]);
      return plugin.buildBase(template, context);
    },
  };
}
