import { join } from 'node:path';
import type { OsPlugin } from '@imagefactory/plugin-api';
import type { Build } from '../jobs/build.js';
import { BuildEngine } from '../jobs/engine.js';
import { imagesAtWork } from '../jobs/restart.js';
import { openScratchArea } from '../platform/files/scratch-area.js';
import { DirectoryStore } from '../images/index.js';
import { parseTemplate } from '../templates/index.js';
import type { Store } from '../store/index.js';
import { closeRecords, openRecords } from './job-records.test.fixture.js';
import { fakeCloud } from './fake-plugins.js';
import { recordingLogger } from './recording-logger.js';

export interface RecordedStart {
  /** Of images, scratch and cache; the same for all starts of one agent. */
  readonly directory: string;
  readonly os: OsPlugin;
  /** Number of the start. */
  readonly epoch: number;
  /** Builds at the same time; default 1. */
  readonly limit?: number;
}

export interface RecordedEngine {
  readonly engine: BuildEngine;
  readonly log: ReturnType<typeof recordingLogger>;
  readonly store: DirectoryStore;
  readonly records: Store;
  /** Closes its records. */
  readonly close: () => Promise<void>;
}

/** An engine as an agent opens it at a start: with the records of the runs before, whose images are left to it. */
export async function openRecordedEngine({
  directory,
  os,
  epoch,
  limit = 1,
}: RecordedStart): Promise<RecordedEngine> {
  const images = join(directory, 'images');
  const log = recordingLogger();
  const { store: records, jobs, earlier } = await openRecords(images, log);
  const adopted = imagesAtWork(earlier);
  const store = await DirectoryStore.open(images, { adopts: id => adopted.has(id) });
  const engine = await BuildEngine.open({
    plugins: [os, fakeCloud()],
    store,
    scratch: await openScratchArea(join(directory, 'tmp')),
    logs: images,
    cache: join(directory, 'cache'),
    limits: { local: limit },
    grace: 0.05,
    log,
    record: {
      ...{ jobs, earlier },
      epoch,
      found: [],
      load: text => Promise.resolve({ template: parseTemplate(text) }),
    },
  });
  return { engine, log, store, records, close: () => closeRecords(images) };
}

/** Orders a build as a caller does: it is kept before it starts. */
export async function orderBuild(engine: BuildEngine, descriptor = '<template></template>'): Promise<Build> {
  const build = engine.create({ descriptor, template: parseTemplate(descriptor), target: 'mock' });
  await engine.keep([build]);
  engine.start(build);
  return build;
}
