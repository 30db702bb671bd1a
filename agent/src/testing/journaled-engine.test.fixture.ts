import { join } from 'node:path';
import type { OsPlugin } from '@imagefactory/plugin-api';
import type { Build } from '../builds/build.js';
import { BuildEngine } from '../builds/engine.js';
import { JournalFile } from '../builds/journal/journal.js';
import { imagesInJournal } from '../builds/restart.js';
import { openScratchArea } from '../files/scratch-area.js';
import { DirectoryStore } from '../images/index.js';
import { parseTemplate } from '../templates/index.js';
import { fakeCloud } from './fake-plugins.test.fixture.js';
import { recordingLogger } from './logger.test.fixture.js';

export interface JournaledStart {
  /** Of images, scratch and cache; the same for all starts of one agent. */
  readonly directory: string;
  readonly os: OsPlugin;
  /** Number of the start. */
  readonly epoch: number;
  /** Builds at the same time; default 1. */
  readonly limit?: number;
}

export interface JournaledEngine {
  readonly engine: BuildEngine;
  readonly log: ReturnType<typeof recordingLogger>;
  readonly store: DirectoryStore;
  readonly file: JournalFile;
}

/** An engine as an agent opens it at a start: with the journal of the runs before, whose images are left to it. */
export async function openJournaledEngine({
  directory,
  os,
  epoch,
  limit = 1,
}: JournaledStart): Promise<JournaledEngine> {
  const images = join(directory, 'images');
  const jobs = join(images, 'jobs');
  const log = recordingLogger();
  const file = await JournalFile.open(jobs, log);
  const adopted = imagesInJournal(file);
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
    journal: {
      file,
      directory: jobs,
      epoch,
      found: [],
      load: text => Promise.resolve({ template: parseTemplate(text) }),
    },
  });
  return { engine, log, store, file };
}

/** Orders a build as a caller does: it is kept before it starts. */
export async function orderBuild(engine: BuildEngine, descriptor = '<template></template>'): Promise<Build> {
  const build = engine.create({ descriptor, template: parseTemplate(descriptor), target: 'mock' });
  await engine.keep(build);
  engine.start(build);
  return build;
}
