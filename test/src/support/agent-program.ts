import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import { Program, programs } from './program.js';

/** Arguments for an agent that stops with nothing left, however slow the machine and its broker are. */
export const unhurried: readonly string[] = ['--settle-time', '100'];

/** The real agent as a process, on a broker that the test chose, in a directory of its own. */
export class AgentProgram {
  private constructor(
    readonly program: Program,
    readonly directory: string,
    readonly broker: string,
  ) {}

  get imageDirectory(): string {
    return join(this.directory, 'images');
  }

  static async start(
    broker: string,
    args: readonly string[] = [],
    directory?: string,
  ): Promise<AgentProgram> {
    const home = directory ?? (await mkdtemp(join(tmpdir(), 'imagefactory-test-')));
    const program = new Program(programs.agent, [
      '--qmf',
      '--broker',
      broker,
      '--foreground',
      '--verbose',
      '--interval',
      '1',
      '--imgdir',
      join(home, 'images'),
      '--tmpdir',
      home,
      ...args,
    ]);
    return new AgentProgram(program, home, broker);
  }

  /** A console that has found this agent. */
  async console(): Promise<ConnectedConsole> {
    const client = await connectConsole({
      broker: this.broker,
      retry: { initialDelay: 50, maxDelay: 200 },
      timeout: 60_000,
    });
    await client.findFactory({ timeout: 60_000 }).catch((error: unknown) => {
      throw new Error(`${String(error)}; the agent printed:\n${this.program.output}`);
    });
    return client;
  }

  /** Stops it as an operator would, and throws if it left anything. Start it with `unhurried`, or a busy machine decides. */
  async stopCleanly(): Promise<void> {
    const { status, signal } = await this.program.stop(120_000);
    if (status !== 0)
      throw new Error(`the agent ended with ${status ?? signal}, having printed:\n${this.program.output}`);
  }

  /** Stops it and removes its directory. */
  async stop(): Promise<void> {
    await this.program.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}
