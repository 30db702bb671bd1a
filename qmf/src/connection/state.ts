import type { QmfError } from '../errors.js';
import type { Peer, Wire } from '../transport/transport.js';

/**
 * The one state of a connection.
 *
 * - `idle`: made, not started.
 * - `dialling`: an attempt is under way; `attempt` counts from 1 since the last open connection.
 * - `open`: bindings are in place, messages flow.
 * - `waiting`: the broker is away; the next attempt comes after `delay` milliseconds.
 * - `failed`: given up: credentials refused, an address refused, or no attempts left. Final.
 * - `closed`: closed by its owner. Final.
 */
export type ConnectionState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'dialling'; readonly attempt: number }
  | { readonly kind: 'open'; readonly wire: Wire }
  | { readonly kind: 'waiting'; readonly attempt: number; readonly delay: number; readonly reason: QmfError }
  | { readonly kind: 'failed'; readonly reason: QmfError }
  | { readonly kind: 'closed' };

type Kind = ConnectionState['kind'];

/** The legal transitions; everything else is a bug of ours. */
export const transitions: Readonly<Record<Kind, readonly Kind[]>> = {
  idle: ['dialling', 'closed'],
  dialling: ['open', 'waiting', 'failed', 'closed'],
  open: ['waiting', 'failed', 'closed'],
  waiting: ['dialling', 'closed'],
  failed: ['closed'],
  closed: [],
};

/** What observers see of a change; the wire itself stays inside. */
export type ConnectionStatus =
  | { readonly kind: 'dialling'; readonly attempt: number; readonly broker: string }
  | { readonly kind: 'open'; readonly broker: string; readonly peer: Peer }
  | {
      readonly kind: 'waiting';
      readonly broker: string;
      readonly attempt: number;
      /** Milliseconds until the next attempt. */
      readonly delay: number;
      readonly reason: QmfError;
    }
  | { readonly kind: 'failed'; readonly broker: string; readonly reason: QmfError }
  | { readonly kind: 'closed'; readonly broker: string };

export function assertTransition(from: Kind, to: Kind): void {
  if (!transitions[from].includes(to)) {
    throw new Error(`a connection cannot go from ${from} to ${to}`);
  }
}
