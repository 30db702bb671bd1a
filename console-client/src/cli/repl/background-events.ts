import type { ConnectedConsole } from '../../index.js';
import { type EventFilter, printEvent } from '../commands/events.js';
import type { Output } from '../../terminal/output.js';

/** Events that are shown while the user does something else. */
export class BackgroundEvents {
  #off: (() => void) | undefined;

  constructor(private readonly console: ConnectedConsole) {}

  get isOn(): boolean {
    return this.#off !== undefined;
  }

  on(accept: EventFilter, out: Output): void {
    this.off();
    this.#off = this.console.onEvent(event => {
      if (accept(event)) printEvent(out, event);
    });
  }

  off(): void {
    this.#off?.();
    this.#off = undefined;
  }
}
