import type { QmfError } from '../errors.js';
import type { Peer, Wire } from '../transport/transport.js';

/**
 * The one state of a connection.
 *
 * - `idle`: made, not started.
 * - `dialling`: an attempt at one broker of the list is under way; `attempt` counts from 1 since the last open connection.
 * - `open`: bindings are in place, messages flow.
 * - `waiting`: every broker of the list has failed; the next attempt comes after `delay` milliseconds.
 * - `draining`: its owner wants to leave; what was kept goes out, nothing new is begun, and a break is not mended.
 * - `failed`: given up: refused by every broker, or no attempts or time left. Final.
 * - `closed`: closed by its owner. Final.
 */
export type ConnectionState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'dialling'; readonly attempt: number; readonly reason?: QmfError }
  | { readonly kind: 'open'; readonly wire: Wire; readonly movedFrom?: string }
  | { readonly kind: 'waiting'; readonly attempt: number; readonly delay: number; readonly reason: QmfError }
  | { readonly kind: 'draining'; readonly wire: Wire }
  | { readonly kind: 'failed'; readonly reason: QmfError }
  | { readonly kind: 'closed' };

type Kind = ConnectionState['kind'];

/** The legal transitions; everything else is a bug of ours. */
export const transitions: Readonly<Record<Kind, readonly Kind[]>> = {
  idle: ['dialling', 'closed'],
  dialling: ['dialling', 'open', 'waiting', 'failed', 'closed'],
  open: ['dialling', 'waiting', 'draining', 'failed', 'closed'],
  waiting: ['dialling', 'closed'],
  draining: ['closed'],
  failed: ['closed'],
  closed: [],
};

/** What observers see of a change; the wire itself stays inside. `broker` is the one that the state is about. */
export type ConnectionStatus =
  | {
      readonly kind: 'dialling';
      readonly broker: string;
      readonly attempt: number;
      /** Why the connection or attempt before came to an end; absent at the start. */
      readonly reason?: QmfError;
    }
  | {
      readonly kind: 'open';
      readonly broker: string;
      readonly peer: Peer;
      /** The broker of the last open connection, where that was another. */
      readonly movedFrom?: string;
    }
  | {
      readonly kind: 'waiting';
      readonly broker: string;
      /** Of the dial to come. */
      readonly attempt: number;
      /** Milliseconds until the next attempt. */
      readonly delay: number;
      /** Of a list, what each broker said last. */
      readonly reason: QmfError;
    }
  | { readonly kind: 'draining'; readonly broker: string }
  | { readonly kind: 'failed'; readonly broker: string; readonly reason: QmfError }
  | { readonly kind: 'closed'; readonly broker: string };

/** The state as observers see it; `idle` is none that anybody waits for. */
export function statusOf(state: ConnectionState, broker: string): ConnectionStatus | undefined {
  switch (state.kind) {
    case 'idle':
      return undefined;
    case 'open': {
      const { wire, movedFrom } = state;
      return { kind: 'open', broker, peer: wire.peer, ...(movedFrom === undefined ? {} : { movedFrom }) };
    }
    case 'draining':
      return { kind: 'draining', broker };
    default:
      return { ...state, broker };
  }
}

export function assertTransition(from: Kind, to: Kind): void {
  if (!transitions[from].includes(to)) {
    throw new Error(`a connection cannot go from ${from} to ${to}`);
  }
}
