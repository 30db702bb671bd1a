import { AgentSession, BusConnection, type WaitOptions } from '@imagefactory/qmf';
import { openStore } from '@imagefactory/factory/store';
import { accessGate } from '../bus/index.js';
import { BuildArchive, OldRecords } from '@imagefactory/factory/followers';
import { createProviders } from '@imagefactory/factory/plugins';
import { PRODUCT, shownClasses, VENDOR } from '@imagefactory/schema';
import { join } from 'node:path';
import { LocalRepository, repositoryTemplates } from '@imagefactory/factory/warehouse';
import {
  BuildEngine,
  type EngineStop,
  imagesAtWork,
  importJournals,
  type JobOnRecord,
  JobRecords,
  OldLogs,
} from '@imagefactory/factory/jobs';
import {
  callerShares,
  AdaptorIndex,
  EventSender,
  FinishedAdaptors,
  publishFactory,
  publishNews,
  publishRestored,
} from '../bus/index.js';
import { openScratchArea } from '@imagefactory/factory/platform';
import { assumeIdentity } from '@imagefactory/factory/platform';
import { namesakeHandler } from '../bus/index.js';
import { DirectoryStore, makeImageDirectory } from '@imagefactory/factory/images';
import { type Leftover, removeArea } from '@imagefactory/factory/platform';
import { errorLine, type Logger } from '@imagefactory/factory/platform';
import { createFetcher, firstOf, imageTemplates, loadTemplate } from '@imagefactory/factory/templates';
import { type AgentOptions, type AgentSettings, agentSettings } from './options.js';
import { agentRetry } from './retry.js';
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
    await makeImageDirectory(imageDirectory);
    const identity = await assumeIdentity(imageDirectory, log);
    undo.push(() => identity.release());
    const record = await openStore(join(imageDirectory, 'store'));
    undo.push(() => record.close());
    await importJournals(imageDirectory, record, log);
    const { records: jobs, found: earlier } = await JobRecords.open(record, log);
    const store = await openImages(settings, earlier);
    const found: Leftover[] = [];
    const scratch = await openScratchArea(settings.temporaryDirectory, {
      async removeDead(area) {
        const left = await removeArea(area);
        found.push(...left);
        tellLeftovers(left, log);
      },
      onForeign: (path, why) => log.warn(`${path} is not used and stays as it is: ${why}`),
    });
    undo.push(() => scratch.remove());
    const { warehouse, warehousePauses: courier } = options;
    const archive = await BuildArchive.open({
      store,
      log,
      ...(warehouse === undefined ? {} : { warehouse }),
      ...(courier === undefined ? {} : { courier }),
    });
    undo.push(() => archive.stop());
    const templates = {
      store: firstOf([
        ...(options.templates === undefined ? [] : [options.templates]),
        ...(warehouse === undefined ? [] : [repositoryTemplates(warehouse)]),
        imageTemplates(store),
        repositoryTemplates(new LocalRepository(store.images, archive.catalog)),
      ]),
      fetch: createFetcher({ allowPrivateAddresses: options.allowPrivateAddresses === true }),
    };
    const engine = await BuildEngine.open({
      ...settings,
      plugins: options.plugins,
      store,
      archive,
      scratch,
      logs: imageDirectory,
      cache: settings.cacheDirectory,
      record: {
        ...{ jobs, earlier },
        epoch: identity.epoch,
        found,
        load: descriptor => loadTemplate(descriptor, templates),
      },
    });
    undo.push(async () => {
      await engine.stop();
    });
    const logs = new OldLogs({
      directory: imageDirectory,
      known: () => jobs.ids,
      log,
    });
    undo.push(() => logs.stop());
    const connection = connectionOf(options.bus, undo);
    const session: AgentSession = new AgentSession(connection, {
      vendor: VENDOR,
      product: PRODUCT,
      instance: identity.instance,
      epoch: identity.epoch,
      interval: settings.interval,
      log,
      shares: callerShares(),
      onNamesake: namesakeHandler(identity, () => session, log),
      gate: accessGate(
        {
          ...(options.access === undefined ? {} : { list: options.access }),
          acceptUnverified: options.acceptUnverifiedUsers === true,
        },
        log,
      ),
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
    const parts = {
      ...{ session, engine, store, events, finished, templates, log },
      catalog: archive.catalog,
      remote: archive.remote,
      adaptors: new AdaptorIndex(),
      providers: createProviders(options.providerDirectory ?? '/etc/imagefactory', log),
      shown: shownClasses[options.schemaRevision ?? '2011'],
    };
    publishFactory(parts);
    undo.push(publishNews(parts));
    await publishRestored(parts);
    await session.open();
    connection.start();
    archive.start();
    engine.resume();
    // Last, since nobody waits for it.
    if (settings.keepRecords > 0) {
      const records = new OldRecords({
        ...{ catalog: archive.catalog, images: store.images, log },
        days: settings.keepRecords,
        known: () => jobs.ids,
      });
      undo.push(() => records.stop());
    }

    const stop = async (): Promise<StopReport> => {
      session.refuse('the agent is stopping; try again when it is back');
      const stopped = await engine.stop();
      const { calls, messages } = await session.settle({ timeout: settings.settleTime * 1000 });
      await undoAll();
      return { ...stopped, unfinishedCalls: calls, unsentMessages: messages };
    };
    let stopping: Promise<StopReport> | undefined;
    return {
      get name() {
        return session.name;
      },
      epoch: identity.epoch,
      broker: connection.broker,
      imageDirectory,
      connection,
      get waitingForWarehouse() {
        return archive.waiting;
      },
      ready: waiting => connection.ready(waiting),
      stop: () => (stopping ??= stop()),
    };
  } catch (error) {
    await undoAll();
    throw error;
  }
}

/** The images of builds that are on record are the engine's: it says what becomes of them. */
function openImages(
  { imageDirectory, keepFailedImages, log }: AgentSettings,
  earlier: readonly JobOnRecord[],
): Promise<DirectoryStore> {
  const adopted = imagesAtWork(earlier);
  return DirectoryStore.open(imageDirectory, {
    adopts: identifier => adopted.has(identifier),
    keepFailed: keepFailedImages,
    onProblem: error => log.warn(`old records of failed images could not be removed: ${errorLine(error)}`),
  });
}

function tellLeftovers(found: readonly Leftover[], log: Logger): void {
  for (const { what, why } of found) {
    if (why === undefined) log.info(`removed what a killed agent had left: ${what}`);
    else log.warn(`a killed agent has left ${what}: ${why}; remove it by hand`);
  }
}

function connectionOf(bus: AgentOptions['bus'], undo: UndoStack): BusConnection {
  if (bus instanceof BusConnection) return bus;
  const connection = new BusConnection(bus, { retry: agentRetry });
  undo.push(async () => {
    // What the agent has sent was waited for already.
    await connection.drain({ timeout: 1_000 });
  });
  return connection;
}
