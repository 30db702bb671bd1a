import { Factory } from '@imagefactory/factory';
import type { EngineStop } from '@imagefactory/factory/jobs';
import { CloseStack, errorLine, type Logger } from '@imagefactory/factory/platform';
import { AgentSession, BusConnection, type CallGate, type WaitOptions } from '@imagefactory/qmf';
import { PRODUCT, shownClasses, VENDOR } from '@imagefactory/schema';
import {
  accessGate,
  AdaptorIndex,
  callerShares,
  EventSender,
  type FactoryParts,
  FinishedAdaptors,
  namesakeHandler,
  publishFactory,
  publishNews,
  publishRecords,
  publishRestored,
} from '../bus/index.js';
import { openLocalDoor } from './local-door.js';
import { type AgentOptions, type DoorSettings, doorSettings } from './options.js';
import { agentRetry } from './retry.js';

/** What an agent left when it stopped. */
export interface StopReport extends EngineStop {
  /** Method calls that had not come to their end in time. */
  readonly unfinishedCalls: number;
  /** Events and answers that the broker had not taken in time. */
  readonly unsentMessages: number;
}

/** An agent that is on its bus, or on the way there. */
export interface RunningAgent {
  /** `redhat.com:imagefactory:<instance>`; another one once it was found out that it is taken. */
  readonly name: string;
  /** Number of this start. */
  readonly epoch: number;
  /** Where the bus is, for people; no password. */
  readonly broker: string;
  /** Absolute path. */
  readonly imageDirectory: string;
  /** Its connection, for those who want to watch it. */
  readonly connection: BusConnection;
  /** Number of objects that have not been sent to the warehouse; 0 without one. */
  readonly waitingForWarehouse: number;
  /**
   * Resolves when the agent can be reached over the bus.
   *
   * @throws QmfError `timeout`, `aborted`, or what keeps the connection from opening for good
   */
  ready(options?: WaitOptions): Promise<void>;
  /**
   * Refuses new calls, ends the builds that run unless the next start can go on with them, leaves those that wait to that start, lets running calls come to their end, waits until the broker has taken all
   * events and answers, and leaves the bus. Never rejects; a second call gives the same report.
   */
  stop(): Promise<StopReport>;
}

/** Characters of the descriptors of finished builds that are kept, all together. */
const finishedSize = 64 * 1024 * 1024;

/**
 * Starts an Image Factory agent: resolves when it can take orders. The broker need not be there yet: the agent keeps trying, and reports that as
 * its connection's status.
 *
 * @throws RangeError for an option out of its range, and errors of the file system for a directory that cannot be used
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const settings = doorSettings(options);
  const factory = await Factory.open({ ...options, directory: options.imageDirectory });
  const { identity, log } = factory;
  const closing = new CloseStack();
  closing.push(() => factory.close());
  const close = (): Promise<void> => closing.close(error => log.warn(`while stopping: ${errorLine(error)}`));
  try {
    const connection = connectionOf(options.bus, closing);
    const gate = gateOf(options, log);
    const session: AgentSession = new AgentSession(connection, {
      ...sessionOptions(options, settings, factory),
      gate,
      onNamesake: namesakeHandler(identity, () => session, log),
    });
    closing.push(() => session.close());
    const events = new EventSender(session, log);
    await publish({ session, gate, events }, options, settings, factory, closing);
    await session.open();
    connection.start();
    factory.start();
    closing.push(await openLocalDoor(factory, log));

    const stop = async (): Promise<StopReport> => {
      session.refuse('the agent is stopping; try again when it is back');
      const stopped = await factory.stopJobs();
      await events.settled();
      const { calls, messages } = await session.settle({ timeout: settings.settleTime * 1000 });
      await close();
      return { ...stopped, unfinishedCalls: calls, unsentMessages: messages };
    };
    let stopping: Promise<StopReport> | undefined;
    return {
      get name() {
        return session.name;
      },
      epoch: identity.epoch,
      broker: connection.broker,
      imageDirectory: factory.directory,
      connection,
      get waitingForWarehouse() {
        return factory.waitingForWarehouse;
      },
      ready: waiting => connection.ready(waiting),
      stop: () => (stopping ??= stop()),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function sessionOptions(
  options: AgentOptions,
  { interval }: DoorSettings,
  { identity, log }: Factory,
): Omit<ConstructorParameters<typeof AgentSession>[1], 'gate'> {
  const { domain, strictSecurity, bodyForm } = options;
  return {
    ...{ vendor: VENDOR, product: PRODUCT, interval, log },
    instance: identity.instance,
    epoch: identity.epoch,
    shares: callerShares(),
    ...(domain === undefined ? {} : { domain }),
    ...(strictSecurity === undefined ? {} : { strictSecurity }),
    ...(bodyForm === undefined ? {} : { bodyForm }),
  };
}

function gateOf({ access, acceptUnverifiedUsers = false }: AgentOptions, log: Logger): CallGate {
  const list = access === undefined ? {} : { list: access };
  return accessGate({ ...list, acceptUnverified: acceptUnverifiedUsers }, log);
}

/** Puts the factory on the bus, with the jobs of earlier starts. */
async function publish(
  bus: Pick<FactoryParts, 'session' | 'gate' | 'events'>,
  { schemaRevision = '2011' }: AgentOptions,
  { keepFinished, keepFinishedCount }: DoorSettings,
  factory: Factory,
  closing: CloseStack,
): Promise<void> {
  const { record, engine, store, templates, catalog, remote, providers, log } = factory;
  const finished = new FinishedAdaptors({
    ...{ age: keepFinished * 1000, count: keepFinishedCount, size: finishedSize },
  });
  closing.push(() => finished.stop());
  const parts = {
    ...{ ...bus, record, engine, store, templates, catalog, remote, providers, log, finished },
    adaptors: new AdaptorIndex(),
    shown: shownClasses[schemaRevision],
  };
  publishFactory(parts);
  closing.push(publishNews(parts));
  publishRecords(parts);
  await publishRestored(parts);
}

function connectionOf(bus: AgentOptions['bus'], closing: CloseStack): BusConnection {
  if (bus instanceof BusConnection) return bus;
  const connection = new BusConnection(bus, { retry: agentRetry });
  closing.push(async () => {
    // The messages of the agent were waited for already.
    await connection.drain({ timeout: 1_000 });
  });
  return connection;
}
