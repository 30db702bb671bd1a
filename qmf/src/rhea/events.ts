import type { Delivery } from 'rhea';

/** What a rhea event hands over, as far as we look at it; rhea's own typings say `any`. */
export interface RheaContext {
  readonly delivery?: Delivery;
  readonly message?: unknown;
  readonly error?: RheaError;
}

/** An AMQP condition, or an error of Node.js. */
export interface RheaError {
  readonly condition?: string | undefined;
  readonly description?: string | undefined;
  readonly message?: string | undefined;
  readonly code?: string | undefined;
  /** What belongs to the condition, by name. */
  readonly info?: Readonly<Record<string, unknown>> | undefined;
}

interface Emitter {
  on(event: string, listener: (context: RheaContext) => void): unknown;
}

/** Listens to an event of a rhea link, session or connection. */
export function on(emitter: Emitter, event: string, listener: (context: RheaContext) => void): void {
  emitter.on(event, listener);
}

interface Terminus {
  readonly address?: string | null;
}

/** Whether the peer took a link: a refused one is attached without a source or target first, then detached. */
export function isConfirmed(terminus: unknown): boolean {
  // The typings promise a terminus; on the wire it may be null, and its address too.
  const confirmed = terminus as Terminus | null | undefined;
  return typeof confirmed?.address === 'string';
}
