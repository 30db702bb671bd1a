import { AgentSession, BusConnection, type WaitOptions } from '@imagefactory/qmf';
import { PRODUCT, VENDOR } from '@imagefactory/schema';
import { BuildEngine, type EngineStop } from '../builds/index.js';
import { EventSender, FinishedAdaptors, publishFactory } from '../bus/index.js';
import { openScratchArea } from '../files/scratch-area.js';
import { assumeIdentity } from '../identity/index.js';
import { DirectoryStore } from '../images/index.js';
import { errorLine } from '../log/index.js';
import { type AgentOptions, agentSettings } from './options.js';
import { UndoStack } from './undo-stack.js';

/** What an agent left when it stopped. */
export interface StopReport extends EngineStop {
  /** Events that the broker had not taken in time. */
  readonly unsentEvents: number;
}

/** An agent that is on its bus, or on the way there. */
export interface RunningAgent {
  /** `redhat.com:imagefactory:<instance>` */
  readonly name: string;
  /** Number of this start. */
  readonly epoch: number;
  /** Where the bus is, for people; no password. */
  readonly broker: string;
  /** Absolute path. */
  readonly imageDirectory: string;
  /** Its connection, for those who want to watch it. */
  readonly connection: BusConnection;
  /**
   * Resolves when the agent can be reached over the bus.
   *
   * @throws QmfError `timeout`, `aborted`, or what keeps the connection from opening for good
   */
  ready(options?: WaitOptions): Promise<void>;
  /**
   * Takes no more builds, ends those that run, tells the bus, and leaves it. Never rejects; a second call gives the same report.
   */
  stop(): Promise<StopReport>;
}

/** Characters of the descriptors of finished builds that are kept, all together. */
const finishedSize = 64 * 1024 * 1024;

/** Milliseconds that the last events have to reach the broker. */
const flushTime = 5_000;

/**
 * Starts an Image Factory agent: resolves when it can take orders, which doesn't mean that the broker is there already; it keeps
 * trying, and says on its connection's status how that goes.
 *
 * @throws RangeError for an option that can't be, and what the file system says about a directory that can't be used
 */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const settings = agentSettings(options);
  const { imageDirectory, log } = settings;
  const undo = new UndoStack();
  const undoAll = (): Promise<void> => undo.undo(error => log.warn(`while stopping: ${errorLine(error)}`));
  try {
    const store = await DirectoryStore.open(imageDirectory);
    const identity = await assumeIdentity(imageDirectory, log);
    undo.push(() => identity.release());
    const scratch = await openScratchArea(settings.temporaryDirectory);
    undo.push(() => scratch.remove());
    const engine = await BuildEngine.open({
      ...settings,
      plugins: options.plugins,
      store,
      scratch,
      logs: imageDirectory,
      cache: settings.cacheDirectory,
    });
    undo.push(async () => {
      await engine.stop();
    });
    const connection = connectionOf(options.bus, undo);
    const session = new AgentSession(connection, {
      vendor: VENDOR,
      product: PRODUCT,
      instance: identity.instance,
      epoch: identity.epoch,
      interval: settings.interval,
      log,
      ...(options.domain === undefined ? {} : { domain: options.domain }),
      ...(options.strictSecurity === undefined ? {} : { strictSecurity: options.strictSecurity }),
      ...(options.bodyForm === undefined ? {} : { bodyForm: options.bodyForm }),
    });
    undo.push(() => session.close());
    const events = new EventSender(session, log);
    const finished = new FinishedAdaptors({
      age: settings.keepFinished * 1000,
      count: settings.keepFinishedCount,
      size: finishedSize,
    });
    undo.push(() => finished.stop());
    publishFactory({ session, engine, events, finished, log });
    await session.open();
    connection.start();

    const stop = async (): Promise<StopReport> => {
      const stopped = await engine.stop();
      // Without a broker nobody could hear them, and it may stay away for long.
      const unsentEvents = connection.state === 'open' ? await events.flush(flushTime) : events.unsent;
      await undoAll();
      return { ...stopped, unsentEvents };
    };
    let stopping: Promise<StopReport> | undefined;
    return {
      name: session.name,
      epoch: identity.epoch,
      broker: connection.broker,
      imageDirectory,
      connection,
      ready: waiting => connection.ready(waiting),
      stop: () => (stopping ??= stop()),
    };
  } catch (error) {
    await undoAll();
    throw error;
  }
}

function connectionOf(bus: AgentOptions['bus'], undo: UndoStack): BusConnection {
  if (bus instanceof BusConnection) return bus;
  // Credentials and addresses may be mended at the broker, and the agent is to need no restart for that.
  const connection = new BusConnection(bus, { retry: { retryRefused: true } });
  undo.push(() => connection.close());
  return connection;
}
