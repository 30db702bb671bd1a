import { QmfError } from '../errors.js';
import type { Binding, Transport, Wire } from '../transport/index.js';
import { FakeWire } from './fake-transport.test.fixture.js';

/** A broker that does nothing until the test tells it to: dials and bindings wait for an answer. */
export class ScriptedBroker implements Transport {
  readonly wires: FakeWire[] = [];
  dials = 0;
  /** Whether bindings are confirmed at once. */
  bindsPromptly = true;
  #dials: ((error: QmfError | undefined) => void)[] = [];
  #binds: (() => void)[] = [];

  constructor(readonly description: string) {}

  get isDialled(): boolean {
    return this.#dials.length > 0;
  }

  get hasBinds(): boolean {
    return this.#binds.length > 0;
  }

  /** The wire that is open, if one is. */
  get open(): FakeWire | undefined {
    const wire = this.wires.at(-1);
    return wire?.state === 'open' ? wire : undefined;
  }

  dial(signal: AbortSignal): Promise<Wire> {
    this.dials++;
    return new Promise((resolve, reject) => {
      const answer = (error: QmfError | undefined): void => {
        this.#dials = this.#dials.filter(waiting => waiting !== answer);
        if (error !== undefined) {
          reject(error);
          return;
        }
        const wire = new FakeWire(false, binding => this.#bind(binding));
        this.wires.push(wire);
        resolve(wire);
      };
      this.#dials.push(answer);
      signal.addEventListener('abort', () => answer(new QmfError('aborted', 'cancelled')), { once: true });
    });
  }

  /** Opens the connection that is dialled, or refuses it. */
  answerDial(error?: QmfError): void {
    this.#dials[0]?.(error);
  }

  /** Confirms the bindings that wait. */
  answerBinds(): void {
    for (const answer of this.#binds.splice(0)) answer();
  }

  #bind(_binding: Binding): Promise<void> {
    if (this.bindsPromptly) return Promise.resolve();
    return new Promise(resolve => {
      this.#binds.push(resolve);
    });
  }
}
