import {
  type ConsoleAgent,
  type DataAddress,
  parsePredicate,
  QmfError,
  type ReceivedEvent,
  type RequestOptions,
  type TypedObject,
} from '@imagefactory/qmf';
import { BuildAdaptor } from '@imagefactory/schema';
import type { AddressedChange } from './build-change.js';
import { BuildLedger, type Snapshot } from './build-ledger.js';
import { Inquiry } from './inquiry.js';

/** Those whose end is still to be told. The others may be many, and each has its template with it. */
const live = parsePredicate('[and, [ne, status, [quote, COMPLETED]], [ne, status, [quote, FAILED]]]');

export interface AgentWatchParts {
  readonly agent: ConsoleAgent;
  /** Whether bus and agent are there to be asked. */
  readonly isThere: () => boolean;
  /** Told of each event that was filled in, in order. */
  readonly tell: (event: ReceivedEvent) => void;
  /** Milliseconds after which an agent is asked about a build that nothing was heard of. */
  readonly silence: number;
}

/** Watches the builds of one agent, so that after a gap it can be told what happened in it. */
export class AgentWatch {
  readonly #parts: AgentWatchParts;
  #agent: ConsoleAgent;
  readonly #ledger = new BuildLedger();
  readonly #inquiry: Inquiry;
  readonly #timer: NodeJS.Timeout;
  #hasBaseline = false;

  constructor(parts: AgentWatchParts) {
    this.#parts = parts;
    this.#agent = parts.agent;
    this.#inquiry = new Inquiry({
      ask: limits => (this.#hasBaseline ? this.#fillIn(limits) : this.#takeBaseline(limits)),
      isBusThere: parts.isThere,
      onUnknown: () => undefined,
    });
    this.#inquiry.start();
    this.#timer = setInterval(() => {
      if (this.#ledger.isSilent(parts.silence)) this.#inquiry.start();
    }, parts.silence).unref();
  }

  /** Whether there are builds whose end has not been told. */
  get isWaiting(): boolean {
    return this.#ledger.live.length > 0;
  }

  /** There was a gap: asks what happened. */
  catchUp(delay = 0): void {
    this.#inquiry.start(delay);
  }

  /** The agent was taken for gone, and shows up again; where it can be asked may have changed. */
  isBack(agent: ConsoleAgent): void {
    this.#agent = agent;
    this.catchUp();
  }

  /** Takes note of an event; false when it tells nothing any more. */
  heard(change: AddressedChange): boolean {
    return this.#ledger.heard(change);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#inquiry.stop();
  }

  /** What there is when the watch begins: the end of a build that is over by then is nobody's news. */
  async #takeBaseline(limits: RequestOptions): Promise<void> {
    const agent = this.#agent;
    const running = await agent.objects(BuildAdaptor, { ...limits, where: live });
    const all = await this.#addresses(limits);
    for (const object of running) this.#ledger.note(object.address, snapshotOf(object));
    for (const address of all) this.#ledger.note(address);
    this.#hasBaseline = true;
  }

  async #fillIn(limits: RequestOptions): Promise<void> {
    const addresses = await this.#addresses(limits);
    const unknown = addresses.filter(address => !this.#ledger.has(address));
    const snapshots: Snapshot[] = [];
    for (const address of [...this.#ledger.live, ...unknown]) {
      const snapshot = await this.#snapshot(address, limits);
      if (snapshot !== undefined) snapshots.push(snapshot);
    }
    snapshots.sort((left, right) => (left.at < right.at ? -1 : left.at > right.at ? 1 : 0));
    for (const snapshot of snapshots) this.#tell(this.#ledger.read(snapshot));
    this.#ledger.keep(addresses);
  }

  async #addresses(limits: RequestOptions): Promise<DataAddress[]> {
    const agent = this.#agent;
    const { packageName, className } = BuildAdaptor.schema.id;
    const found = await agent.addresses({ packageName, className }, limits);
    return found.flatMap(({ address }) =>
      address === undefined
        ? []
        : [address.agentName === '' ? { ...address, agentName: agent.name } : address],
    );
  }

  async #snapshot(address: DataAddress, limits: RequestOptions): Promise<Snapshot | undefined> {
    try {
      return snapshotOf(await this.#agent.object(BuildAdaptor, address, limits));
    } catch (error) {
      if (!(error instanceof QmfError) || error.code !== 'schema_unknown') throw error;
      this.#tell(this.#ledger.lost(address));
      return undefined;
    }
  }

  #tell(events: readonly ReceivedEvent[]): void {
    for (const event of events) this.#parts.tell(event);
  }
}

function snapshotOf({ address, values, updateTime }: TypedObject<typeof BuildAdaptor>): Snapshot {
  return { address, status: values.status, percent: values.percent_complete, at: updateTime };
}
