import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import type { BodyForm, DataAddress } from '@imagefactory/qmf';
import { PRODUCT } from '@imagefactory/schema';
import { OldConsole, there } from '../interop/session-2012.js';
import { rejection, until } from '../support/until.js';

/**
 * A console as of 2011 and 2012: it asks only what it is told to ask. The typed library asks on its own when time passes, which no recording
 * could repeat.
 */
export class PlainConsole extends OldConsole {
  #restarts = 0;

  private constructor(
    private readonly client: ConnectedConsole,
    agent: OldConsole['agent'],
    readonly factoryAddress: DataAddress,
  ) {
    super(client, agent, factoryAddress);
    client.session.onAgentChange(({ kind }) => {
      if (kind === 'restarted') this.#restarts++;
    });
  }

  /**
   * Connects, finds the agent and its factory as the API note of 2011 does.
   *
   * @param bodyForm the form of its requests: `data` as consoles on AMQP 0-10 have it; default: the form of the broker
   */
  static async connect(broker: string, bodyForm?: BodyForm): Promise<PlainConsole> {
    const client = await connectConsole({
      broker,
      timeout: 60_000,
      ...(bodyForm === undefined ? {} : { bodyForm }),
    });
    try {
      const agent = await client.session.findAgent(({ info }) => info.product === PRODUCT, {
        timeout: 60_000,
      });
      const [factory] = await agent.query("{class:ImageFactory, package:'com.redhat.imagefactory'}");
      return new PlainConsole(client, agent, there(there(factory).address));
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** Waits until an event has said that a build has this status. */
  hears(address: DataAddress, status: string): Promise<void> {
    return until(`${address.objectName} is ${status}`, () =>
      this.statuses(address).some(change => change.endsWith(`>${status}`)),
    );
  }

  /** Waits until the console knows that the agent was restarted; until then its questions may be cut off. */
  seesRestart(): Promise<void> {
    return until('the console knows that the agent was restarted', () => this.#restarts > 0);
  }

  /** Calls a method that the agent must refuse. */
  async refused(method: string, inputs: Record<string, unknown>, address?: DataAddress): Promise<void> {
    await rejection(this.call(method, inputs, address));
  }

  async leave(): Promise<void> {
    this.close();
    await this.client.close();
  }
}
