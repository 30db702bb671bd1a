import type { Session } from 'rhea';

interface Disposition {
  readonly first: number;
  readonly last?: number | undefined;
  readonly settled?: boolean | undefined;
  readonly state?: unknown;
}

interface DispositionReader {
  on_disposition(fields: Disposition): void;
}

/**
 * Keeps rhea from printing `unrecognised outcome` on the user's terminal: it does so for a state that is there and null, as a
 * peer may write one that settles without an outcome.
 */
export function readNullStates(session: Session): void {
  // Not in rhea's typings; checked against rhea 3.0 by quiet-dispositions.test.ts.
  const { outgoing, incoming } = session as unknown as Record<'outgoing' | 'incoming', DispositionReader>;
  for (const reader of [outgoing, incoming]) {
    const original = reader.on_disposition.bind(reader);
    reader.on_disposition = fields => {
      const { first, last, settled } = fields;
      original(isOutcome(fields.state) ? fields : { first, last, settled });
    };
  }
}

function isOutcome(state: unknown): boolean {
  return (
    typeof state === 'object' && state !== null && 'descriptor' in state && state.descriptor !== undefined
  );
}
