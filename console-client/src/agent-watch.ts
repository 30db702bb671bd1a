import {
  type ConsoleAgent,
  type DataAddress,
  QmfError,
  type ReceivedEvent,
  type RequestOptions,
  type TypedObject,
} from '@imagefactory/qmf';
import { parsePredicate } from '@imagefactory/qmf/query';
import { BuildAdaptorOnBus } from '@imagefactory/schema';
import { type AddressedChange, type BuildChange, isEnd } from './build-change.js';
import { BuildLedger, type Snapshot } from './build-ledger.js';
import type { EndAnswer } from './end-check.js';
import type { EndChecks } from './end-checks.js';
import type { Delivery } from './delivery.js';
import { Inquiry } from './inquiry.js';
import { hasFailedUnseen, type Standing, standingOf } from './standing.js';

/** Those whose end is still to be told. The others may be many, and each has its template with it. */
const live = parsePredicate('[and, [ne, status, [quote, COMPLETED]], [ne, status, [quote, FAILED]]]');

/** Limits of the builds whose announced ends wait to be confirmed, and of the events kept for each. */
const HELD_BUILDS = 1_000;
const HELD_EVENTS = 8;

/** An announced end that is held until the agent has confirmed it. */
interface Held {
  readonly event: ReceivedEvent;
  readonly addressed: AddressedChange;
}

export interface AgentWatchParts {
  readonly agent: ConsoleAgent;
  /** Whether bus and agent are there to be asked. */
  readonly isThere: () => boolean;
  readonly checks: EndChecks;
  /** Told of each event, in order, with how it was come by. */
  readonly tell: (event: ReceivedEvent, delivery: Delivery) => void;
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
  #isStopped = false;
  readonly #held = new Map<string, Held[]>();
  readonly #confirmed = new Map<string, Standing>();

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

  /** Tells an event of a build, unless it says nothing new; an end once the agent has confirmed it. */
  receive(event: ReceivedEvent, addressed: AddressedChange): void {
    if (!isEnd(addressed.change)) this.#tellHeard({ event, addressed });
    else if (!this.#isConfirmed(addressed)) void this.#hold({ event, addressed });
    else this.#tellHeard({ event, addressed });
  }

  #tellHeard({ event, addressed }: Held, confirmed?: false): void {
    if (!this.#ledger.heard(addressed)) return;
    this.#parts.tell(event, { caughtUp: false, ...(confirmed === undefined ? {} : { confirmed }) });
  }

  /** Whether the agent has said as much already: of a failure there are two events. */
  #isConfirmed({ address, change }: AddressedChange): boolean {
    const known = this.#confirmed.get(address.objectName);
    return known !== undefined && agrees(change, known);
  }

  async #hold(held: Held): Promise<void> {
    const { address } = held.addressed;
    const waiting = this.#held.get(address.objectName);
    if (waiting !== undefined && waiting.length < HELD_EVENTS) waiting.push(held);
    if (waiting !== undefined) {
      void this.#parts.checks.check(this.#agent, address);
      return;
    }
    if (this.#held.size >= HELD_BUILDS) return;
    const events = [held];
    this.#held.set(address.objectName, events);
    const answer = await this.#parts.checks.check(this.#agent, address);
    this.#held.delete(address.objectName);
    if (!this.#isStopped) this.#settle(address, events, answer);
  }

  #settle(address: DataAddress, events: readonly Held[], answer: EndAnswer): void {
    if (answer.kind === 'over') {
      this.#remember(address, answer.standing);
      const agreed = events.filter(({ addressed }) => agrees(addressed.change, answer.standing));
      for (const each of agreed) this.#tellHeard(each);
      // Instead of what the agent contradicts.
      if (agreed.length < events.length) this.#tell(this.#ledger.read({ address, ...answer.standing }));
    } else if (answer.kind === 'silent' || (answer.kind === 'unknown' && this.#ledger.has(address))) {
      for (const each of events) this.#tellHeard(each, false);
    } else if (answer.kind === 'running' && hasFailedUnseen(this.#agent)) {
      for (const each of events) if (each.addressed.change.kind === 'failure') this.#tellHeard(each, false);
    }
  }

  #remember({ objectName }: DataAddress, standing: Standing): void {
    this.#confirmed.set(objectName, standing);
    if (this.#confirmed.size <= HELD_BUILDS) return;
    for (const oldest of this.#confirmed.keys()) {
      this.#confirmed.delete(oldest);
      return;
    }
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#inquiry.stop();
  }

  /** Reads the builds that exist when the watch begins. No event is emitted for those that are over by then. */
  async #takeBaseline(limits: RequestOptions): Promise<void> {
    const agent = this.#agent;
    const running = await agent.objects(BuildAdaptorOnBus, { ...limits, where: live });
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
    const { packageName, className } = BuildAdaptorOnBus.schema.id;
    const found = await agent.addresses({ packageName, className }, limits);
    return found.flatMap(({ address }) =>
      address === undefined
        ? []
        : [address.agentName === '' ? { ...address, agentName: agent.name } : address],
    );
  }

  async #snapshot(address: DataAddress, limits: RequestOptions): Promise<Snapshot | undefined> {
    try {
      return snapshotOf(await this.#agent.object(BuildAdaptorOnBus, address, limits));
    } catch (error) {
      if (!(error instanceof QmfError) || error.code !== 'schema_unknown') throw error;
      this.#tell(this.#ledger.lost(address));
      return undefined;
    }
  }

  #tell(events: readonly ReceivedEvent[]): void {
    for (const event of events) this.#parts.tell(event, { caughtUp: true });
  }
}

function snapshotOf(object: TypedObject<typeof BuildAdaptorOnBus>): Snapshot {
  return { address: object.address, ...standingOf(object) };
}

/** Whether an announcement is what the agent says itself. */
function agrees(change: BuildChange, { status, failure }: Standing): boolean {
  if (change.kind === 'status') return change.status === status;
  if (change.kind !== 'failure' || status !== 'FAILED') return false;
  return failure === undefined || (failure.type === change.type && failure.info === change.info);
}
