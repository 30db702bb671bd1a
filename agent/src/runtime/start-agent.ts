import { AgentSession, BusConnection, type WaitOptions } from '@imagefactory/qmf';
import { PRODUCT, VENDOR } from '@imagefactory/schema';
import { BuildEngine, type EngineStop } from '../builds/index.js';
import { EventSender, FinishedAdaptors, publishFactory } from '../bus/index.js';
import { openScratchArea } from '../files/scratch-area.js';
import { assumeIdentity } from '../identity/index.js';
import { DirectoryStore } from '../images/index.js';
import { errorLine } from '../log/index.js';
import { createFetcher, firstOf, imageTemplates } from '../templates/index.js';
import { type AgentOptions, agentSettings } from './options.js';
import { UndoStack } from './undo-stack.js';

/** What an agent left when it stopped. */
export interface StopReport extends EngineStop {
  /** Method calls that had not come to their end in time. */
  readonly unfinishedCalls: number;
  /** Events and answers that the broker had not taken in time. */
  readonly unsentMessages: number;
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
   * Refuses new calls, ends the builds that run, lets running calls come to their end, waits until the broker has taken all
   * events and answers, and leaves the bus. Never rejects; a second call gives the same report.
   */
  stop(): Promise<StopReport>;
}

/** Characters of the descriptors of finished builds that are kept, all together. */
const finishedSize = 64 * 1024 * 1024;

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
    const templates = {
      store: firstOf([
        ...(options.templates === undefined ? [] : [options.templates]),
        imageTemplates(store),
      ]),
      fetch: createFetcher({ allowPrivateAddresses: options.allowPrivateAddresses === true }),
    };
    publishFactory({ session, engine, events, finished, templates, log });
    await session.open();
    connection.start();

    const stop = async (): Promise<StopReport> => {
      session.refuse('the agent is stopping; try again when it is back');
      const stopped = await engine.stop();
      const { calls, messages } = await session.settle({ timeout: settings.settleTime * 1000 });
      await undoAll();
      return { ...stopped, unfinishedCalls: calls, unsentMessages: messages };
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
  undo.push(async () => {
    // What the agent has sent was waited for already.
    await connection.drain({ timeout: 1_000 });
  });
  return connection;
}
