import { placeOf } from '../faults/site.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { type Delivery, LinkReader } from './links.js';
import { readRecorded, type RecordedMessage } from './message.js';

/** A message that passed a tap. */
export interface Passed {
  /** Name of the agent or console on whose connection it was seen. */
  readonly party: string;
  readonly direction: Delivery['direction'];
  readonly node: string;
  readonly message: RecordedMessage;
}

/**
 * A way to a broker that notes every message in both directions. It reads the bytes of AMQP 1.0 itself, so it depends neither on the
 * broker nor on how the two ends send.
 */
export class Tap {
  /** The first problem with the bytes. What came after it is not recorded. */
  problem: Error | undefined;
  readonly #proxy: FaultProxy;

  private constructor(
    proxy: FaultProxy,
    private readonly brokerUrl: string,
  ) {
    this.#proxy = proxy;
  }

  /** @param onPassed called for each message before its last bytes are passed on */
  static async open(party: string, brokerUrl: string, onPassed: (passed: Passed) => void): Promise<Tap> {
    const note = ({ direction, node, bytes }: Delivery): void =>
      onPassed({ party, direction, node, message: readRecorded(bytes) });
    const proxy = await FaultProxy.start(placeOf(brokerUrl), () => {
      const toBroker = new LinkReader('toBroker', note);
      const toClient = new LinkReader('toClient', note);
      return {
        toBroker: bytes => tap.#try(() => toBroker.read(bytes)),
        toClient: bytes => tap.#try(() => toClient.read(bytes)),
      };
    });
    const tap = new Tap(proxy, brokerUrl);
    return tap;
  }

  /** Address of the broker by way of this tap. */
  get url(): string {
    return this.#proxy.through(this.brokerUrl);
  }

  close(): Promise<void> {
    return this.#proxy.stop();
  }

  #try(read: () => void): void {
    if (this.problem !== undefined) return;
    try {
      read();
    } catch (error) {
      this.problem = error instanceof Error ? error : new Error(String(error));
    }
  }
}
