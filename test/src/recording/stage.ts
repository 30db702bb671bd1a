import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentOptions, type RunningAgent, startAgent } from '@imagefactory/agent';
import { mockCloud, mockOs, type MockOptions } from '@imagefactory/plugin-mock';
import { amqp10, type BodyForm, transportFor } from '@imagefactory/qmf';
import { until } from '../support/until.js';
import { recordingText } from './recording.js';
import { PlainConsole } from './plain-console.js';
import { END_SUBJECT, textField } from './streams.js';
import { type Passed, Tap } from './tap.js';
import { AgentChild } from './agent-child.js';

/** A step that is never over: whatever a build does with such plugins, it is at its first step. */
export const FOREVER = 3_600_000;

/** An agent that a scenario started. */
interface Running {
  stop(): Promise<unknown>;
}

export type StageAgentOptions = Partial<AgentOptions> & { readonly mock?: MockOptions };

/** A conversation that is recorded, and must be the same in every run. */
export interface Scenario {
  /** Name of its file. */
  readonly name: string;
  /** One sentence for readers of the recording. */
  readonly about: string;
  /**
   * Holds the conversation. Whatever it sends must follow from answers and events, never from time passing: a question that is asked again
   * and again would be recorded in another number each time.
   */
  play(stage: Stage): Promise<void>;
}

/** Where one scenario is played: a broker, and agents and consoles that reach it by way of a tap each. */
export class Stage {
  readonly #passed: Passed[] = [];
  readonly #taps = new Map<string, Tap>();
  readonly #agents: Running[] = [];
  readonly #consoles: PlainConsole[] = [];

  private constructor(
    private readonly brokerUrl: string,
    private readonly directory: string,
  ) {}

  /** Plays a scenario and gives the text of its recording. */
  static async record(scenario: Scenario, brokerUrl: string): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'imagefactory-recording-'));
    const stage = new Stage(brokerUrl, directory);
    try {
      await scenario.play(stage);
      await stage.#stopAgents();
      await stage.#hearTheEnd();
    } finally {
      await stage.#tearDown();
    }
    return recordingText({
      scenario: scenario.name,
      about: scenario.about,
      parties: [...stage.#taps.keys()],
      passed: stage.#passed,
      literals: { [directory]: '<directory>' },
    });
  }

  /** Directory of images, the same for all agents of the scenario. */
  get imageDirectory(): string {
    return join(this.directory, 'images');
  }

  /** Starts an agent in this process and waits until it is on the bus. */
  async agent({ mock = {}, ...options }: StageAgentOptions = {}, name = 'agent'): Promise<RunningAgent> {
    const tap = await this.#tap(name);
    const agent = await startAgent({
      bus: amqp10(tap.url),
      plugins: [mockOs({ stepDelay: 0, ...mock }), mockCloud({ stepDelay: 0, ...mock })],
      imageDirectory: this.imageDirectory,
      temporaryDirectory: join(this.directory, 'tmp'),
      ...options,
    });
    this.#agents.push(agent);
    await agent.ready({ timeout: 60_000 });
    return agent;
  }

  /** Makes an agent ready that is a process of its own, and can be killed. */
  async agentProcess(mock: MockOptions, name: string): Promise<AgentChild> {
    const tap = await this.#tap(name);
    const child = new AgentChild({ broker: tap.url, directory: this.directory, mock });
    this.#agents.push(child);
    return child;
  }

  /** Connects a console and finds the agent. */
  async console(name = 'console', bodyForm?: BodyForm): Promise<PlainConsole> {
    const tap = await this.#tap(name);
    const console = await PlainConsole.connect(tap.url, bodyForm);
    this.#consoles.push(console);
    return console;
  }

  async #tap(party: string): Promise<Tap> {
    if (this.#taps.has(party)) throw new Error(`there is a ${party} already; give this one another name`);
    const tap = await Tap.open(party, this.brokerUrl, passed => this.#passed.push(passed));
    this.#taps.set(party, tap);
    return tap;
  }

  /** Resolves when the broker has everything that agents send. */
  async #stopAgents(): Promise<void> {
    for (const agent of this.#agents.splice(0)) await agent.stop();
  }

  /** Sends a last message and waits until every console has it: then they have everything before it too. */
  async #hearTheEnd(): Promise<void> {
    const wire = await transportFor(this.brokerUrl).dial(AbortSignal.timeout(60_000));
    try {
      await wire.send({
        to: { node: 'qmf.default.topic', subject: END_SUBJECT },
        headers: new Map(),
        body: { form: 'none' },
      });
      const consoles = [...this.#taps.keys()].filter(name => name.startsWith('console'));
      const heard = (party: string): boolean =>
        this.#passed.some(
          one => one.party === party && textField(one.message.properties, 'subject') === END_SUBJECT,
        );
      await until('every console has heard the end', () => consoles.every(heard));
    } finally {
      await wire.close();
    }
  }

  async #tearDown(): Promise<void> {
    await this.#stopAgents();
    for (const console of this.#consoles) await console.leave();
    for (const tap of this.#taps.values()) await tap.close();
    await rm(this.directory, { recursive: true, force: true });
    for (const { problem } of this.#taps.values()) if (problem !== undefined) throw problem;
  }
}
