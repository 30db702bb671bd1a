import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Build, type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import { type ConsoleAgent, QmfError } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { Program } from '../support/program.js';
import { until } from '../support/until.js';

/** Longest life of an agent, in milliseconds: its start, or some builds. */
const longestLife = 500;
/** Who order at the same time. */
const callers = 4;
/**
 * Accepted builds that may be without an end when the next one is ordered: more than run at once, so that some always wait, and few enough
 * for a slow machine to build what is left at the end.
 */
const backlog = 12;

const child = join(import.meta.dirname, 'agent-child.js');

/** A builder of templates of which every third has a password, and of which every tenth fails. */
function descriptor(number: number): string {
  if (number % 10 === 9) return '<template>FAIL</template>';
  if (number % 3 !== 0) return `<template><name>n${number}</name></template>`;
  return `<template><name>n${number}</name><os><name>Debian</name><version>12</version><arch>x86_64</arch>
    <install type="url"><url>http://mirror.example.org/debian</url></install><rootpw>Pa55-of-${number}</rootpw></os></template>`;
}

/** Kills agents at random moments, then looks at what the last one makes of it all. */
export class KillRun {
  /** Addresses of the builds whose caller has been told that they were accepted. */
  readonly accepted = new Map<string, { readonly number: number; readonly address: Build['address'] }>();
  /** Ends that were told by events, by build. */
  readonly #ends = new Map<string, Set<string>>();
  /** Accepted builds of which no end was told yet. */
  readonly #open = new Set<string>();
  /** Builds by how they ended. */
  readonly tally = new Map<string, number>();
  #orders = 0;
  #stopped = false;
  #isClosed = false;

  private constructor(
    readonly directory: string,
    private readonly broker: RunningBroker,
    private readonly client: ConnectedConsole,
    private readonly mode: readonly string[],
  ) {}

  /** @param mode further arguments of the agents */
  static async open(...mode: readonly string[]): Promise<KillRun> {
    const directory = await mkdtemp(join(tmpdir(), 'kill-test-'));
    const broker = await startBroker();
    const client = await connectConsole({ broker: broker.url, retry: { initialDelay: 20, maxDelay: 100 } });
    const run = new KillRun(directory, broker, client, mode);
    client.session.onEvent(({ values }) => run.#note(values));
    return run;
  }

  async close(): Promise<void> {
    this.#stopped = this.#isClosed = true;
    await this.client.close();
    await this.broker.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** @param random numbers from 0 to 1, so that a run can be repeated */
  async kill(times: number, random: () => number): Promise<void> {
    const ordering = Promise.all(Array.from({ length: callers }, () => this.#order()));
    let next = this.#prepare();
    for (let killed = 0; killed < times; killed++) {
      const agent = next;
      agent.say('go\n');
      next = this.#prepare();
      // Every third dies before or while it starts, the others in the middle of their work.
      if (killed % 3 !== 0) await agent.says(/^started /m);
      await sleep(random() * longestLife);
      agent.kill('SIGKILL');
      await agent.exited;
    }
    next.say('go\n');
    try {
      await next.says(/^started /m);
      // Some that nobody interrupts.
      const before = this.accepted.size;
      await until('orders are taken again', () => this.accepted.size >= before + callers);
      this.#stopped = true;
      await ordering;
      await this.#check();
    } catch (error) {
      // Runners in parallel show no cause.
      throw new Error(`${String(error)}; the last agent printed:\n${next.output}`, { cause: error });
    } finally {
      await next.stop();
    }
  }

  #prepare(): Program {
    return new Program(child, [this.broker.url, this.directory, ...this.mode], { group: true });
  }

  async #order(): Promise<void> {
    while (!this.#stopped) {
      if (this.#open.size >= backlog) {
        await sleep(10);
        continue;
      }
      const number = this.#orders++;
      // No agent, or it died before it could answer: the order is repeated with its key, and so there is one build for each.
      while (!(await this.#orderOnce(number)) && !this.#isClosed) await sleep(20);
    }
  }

  async #orderOnce(number: number): Promise<boolean> {
    try {
      const factory = await this.client.findFactory({ timeout: 2_000 });
      const build = await factory.buildImage(
        { descriptor: descriptor(number), target: 'mock', orderKey: `order ${number}` },
        { timeout: 2_000 },
      );
      this.accepted.set(build.name, { number, address: build.address });
      if (!this.#ends.has(build.name)) this.#open.add(build.name);
      return true;
    } catch {
      return false;
    }
  }

  #note(values: Readonly<Record<string, unknown>>): void {
    const { addr, new_status: status } = values;
    if (status !== 'COMPLETED' && status !== 'FAILED') return;
    if (typeof addr !== 'object' || addr === null || !('_object_name' in addr)) return;
    const name = String(addr._object_name);
    this.#ends.set(name, (this.#ends.get(name) ?? new Set()).add(status));
    this.#open.delete(name);
  }

  async #check(): Promise<void> {
    // The console may hear of the last start in the middle of a query, which fails then.
    const ask = async (
      query: Parameters<ConsoleAgent['query']>[0],
      attempts = 10,
    ): ReturnType<ConsoleAgent['query']> => {
      const { agent } = await this.client.findFactory({ timeout: 60_000 });
      try {
        return await agent.query(query, { timeout: 30_000 });
      } catch (error) {
        if (!(error instanceof QmfError) || !error.retryable || attempts === 0) throw error;
        return ask(query, attempts - 1);
      }
    };
    const adaptors = async () => {
      const objects = await ask('{class:BuildAdaptor}');
      return new Map(objects.map(({ address, values }) => [address?.objectName ?? '', values]));
    };
    let known = await adaptors();
    await until(
      'every build has ended',
      async () => {
        known = await adaptors();
        return [...known.values()].every(({ status }) => status === 'COMPLETED' || status === 'FAILED');
      },
      60_000,
    );
    expect(known.size, 'one build for each order').to.equal(this.#orders);
    const completed: string[] = [];
    for (const [name, { number, address }] of this.accepted) {
      const values = known.get(name);
      expect(values, `${name} is known`).not.to.equal(undefined);
      expect(values?.['target']).to.equal('mock');
      if (number % 10 === 9) expect(values?.['status'], `${name} was to fail`).to.equal('FAILED');
      // The address that the caller was given answers, whatever start it is from.
      const [found] = await ask({ address });
      expect(found?.address, name).to.deep.equal(address);
    }
    for (const [name, values] of known) {
      const status = values['status'] === 'COMPLETED' ? 'COMPLETED' : 'FAILED';
      this.tally.set(status, (this.tally.get(status) ?? 0) + 1);
      if (status === 'COMPLETED') completed.push(name.replace('build_adaptor-', ''));
      const told = [...(this.#ends.get(name) ?? [])];
      expect(told, `${name} ended in one way`).to.deep.equal([values['status']]);
    }
    await this.#checkFiles(completed);
  }

  /** Whole images of the builds that completed, and nothing of the others. */
  async #checkFiles(completed: readonly string[]): Promise<void> {
    const images = join(this.directory, 'images');
    const names = await readdir(images);
    for (const id of completed) {
      const body = await readFile(join(images, `${id}.body`));
      const meta: unknown = JSON.parse(await readFile(join(images, `${id}.meta`), 'utf8'));
      expect(meta).to.deep.include({
        size: body.length,
        sha256: createHash('sha256').update(body).digest('hex'),
      });
    }
    const stored = names.filter(name => name.endsWith('.meta')).map(name => name.slice(0, -5));
    expect(stored, 'an image for each completed build').to.include.members([...completed]);
    expect(await readdir(join(images, 'store', 'secrets'))).to.deep.equal([]);
    const own = join(this.directory, 'tmp', `imagefactory-${process.getuid?.() ?? 0}`);
    const areas = await readdir(own);
    expect(areas, 'scratch of the living agent alone').to.have.lengthOf(1);
    expect(await readdir(join(own, areas[0] ?? ''))).to.deep.equal([]);
    expect(await this.#processes(), 'tools of dead agents').to.deep.equal([]);
    for (const name of names.filter(one => one.endsWith('.log'))) {
      expect(await readFile(join(images, name), 'utf8')).not.to.include('Pa55-of-');
    }
  }

  /** Processes that were started for builds here. */
  async #processes(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const pid of await readdir('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      if (environment.includes(`TMPDIR=${this.directory}`)) found.push(pid);
    }
    return found;
  }
}

/** Numbers from 0 to 1 that are the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
