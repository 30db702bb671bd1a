import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { BuildError, createMask } from '@imagefactory/plugin-api';
import { errorLine } from '../platform/log/index.js';
import { templateSecrets } from '../templates/index.js';
import { Build, jobWord, type JobWork } from './build.js';
import type { EngineRecord } from './engine-options.js';
import { baseImageId, ImageRecords } from './image-records.js';
import type { JobOnRecord } from './record/job-form.js';
import type { PluginSet } from '../plugins/plugins.js';
import { logStanding } from './read-log.js';
import { endInterrupted, kindOf, prepareAgain, type RecoveredBuild, stateOf } from './recovery.js';
import { isWaiting } from './status.js';
import { logOf, type Workshop } from './workshop.js';

/** A build of an earlier run, and how to go on with it. */
export interface RestartedBuild extends RecoveredBuild {
  /** For those that waited. */
  readonly work: () => Promise<JobWork>;
  /** Of its images; nothing is to be said of those of builds that are over. */
  readonly records: ImageRecords;
  /** For those that are begun once more. Settles in the order of the calls, and before the work of those that waited. */
  readonly takeUp: (stop: AbortController) => Promise<Preparation>;
  /** For those that were interrupted. */
  readonly finish: (stop: AbortController) => Promise<void>;
}

/** What has come of preparing a build for being begun once more. */
export type Preparation =
  /** It has ended instead. */
  { readonly kind: 'over' } | { readonly kind: 'ready'; readonly work: () => Promise<JobWork> };

/** Uuids of the images of builds that an engine goes on with, or ends: nobody else is to touch them. */
export function imagesAtWork(jobs: readonly JobOnRecord[]): ReadonlySet<string> {
  const ids = jobs.filter(({ ended }) => ended === undefined).map(({ order }) => order.id);
  return new Set(ids.flatMap(id => [id, baseImageId(id)]));
}

/** Turns what is on record into builds. */
export class Restart {
  readonly #record: EngineRecord;
  readonly #plugins: PluginSet;
  readonly #workshop: Workshop;
  builds: readonly RestartedBuild[] = [];
  /** Templates are read one after the other, so that the builds come into their queues in the order that they had. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(record: EngineRecord, plugins: PluginSet, workshop: Workshop) {
    this.#record = record;
    this.#plugins = plugins;
    this.#workshop = workshop;
  }

  async open(): Promise<void> {
    const builds: RestartedBuild[] = [];
    for (const job of this.#record.earlier) {
      const kind = kindOf(job);
      if (job.secret && kind !== 'waiting' && kind !== 'resumed')
        await this.#workshop.jobs.forgetSecret(job.order.id);
      builds.push(await this.#build(job));
    }
    this.builds = builds;
  }

  async #build(job: JobOnRecord): Promise<RestartedBuild> {
    const { order, ended, sequence, told } = job;
    const kind = kindOf(job);
    let scrub = (text: string): string => text;
    const mask = (text: string): string => scrub(text);
    const path = join(this.#workshop.logs, `${order.id}.log`);
    const begun = kind === 'ended' ? { lines: 0, cutShort: false } : await logStanding(path);
    const build = new Build(
      { ...order, mask },
      logOf(this.#workshop, { ...order, mask }, begun),
      error =>
        this.#workshop.log.error(`an observer of ${jobWord(order)} ${order.id} failed: ${errorLine(error)}`),
      { state: stateOf(job), percent: job.percent, isResumed: kind === 'resumed' || job.resumed > 0 },
    );
    const hasBegun =
      (kind === 'interrupted' && !isWaiting(job.status)) ||
      kind === 'resumed' ||
      job.resumed > 0 ||
      job.percent > 0;
    const records = new ImageRecords(build, this.#workshop, hasBegun);
    const interrupted = { build, job, records, found: this.#record.found, workshop: this.#workshop };
    const readWork = async (): Promise<JobWork> => {
      const work = await this.#work(job);
      scrub = createMask(work.secrets);
      return work;
    };
    return {
      build,
      kind,
      records,
      ...{ told, sequence },
      adopted: job.adopted,
      record: job.record,
      endedAt: ended?.at,
      work: () => this.#inTurn(() => readWork()),
      takeUp: stop =>
        this.#inTurn(async () => {
          if (!(await prepareAgain({ ...interrupted, stop }))) return { kind: 'over' };
          const reading = readWork();
          // What is wrong with it is the build's to say.
          await reading.catch(() => undefined);
          return { kind: 'ready', work: () => reading };
        }),
      finish: stop => endInterrupted({ ...interrupted, stop }),
    };
  }

  /** Whoever comes next begins when this one has had the time to take its slot. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#reading.then(work);
    this.#reading = result.then(
      () => turn(),
      () => turn(),
    );
    return await result;
  }

  /** Reads the template of a job again. */
  async #work({ order, secret }: JobOnRecord): Promise<JobWork> {
    if (order.push !== undefined) {
      throw new BuildError(
        'agent_restarted',
        'the agent was restarted, and it keeps no credentials; push again',
      );
    }
    const descriptor = secret ? await this.#workshop.jobs.secret(order.id) : order.descriptor;
    if (descriptor === undefined) {
      throw new BuildError(
        'agent_restarted',
        'the agent was restarted, and the passwords of the template are lost; build again',
      );
    }
    const { template, secrets = [] } = await this.#record.load(descriptor);
    return {
      kind: 'build',
      template,
      plan: this.#plugins.plan(template, order.target),
      secrets: [...templateSecrets(template), ...secrets],
    };
  }
}
