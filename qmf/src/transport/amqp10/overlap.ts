import { createHash } from 'node:crypto';
import { type BareMessage, encodeBareMessage } from '../../codec/amqp10-message.js';

type Side = 'before' | 'after';

/**
 * Two links for one binding, while the second takes the place of the first: the broker gives each of them what it routes, and the
 * receiver is to get everything once. A message counts as often as the link has it that had it more often, so two equal messages
 * remain two.
 */
export class Overlap {
  /** Copies by digest, of each side. */
  readonly #seen: Readonly<Record<Side, Map<string, number>>> = { before: new Map(), after: new Map() };
  #isOver = false;

  /** Whether a message has not come by the other link already. */
  isNew(side: Side, message: BareMessage): boolean {
    const { [side]: here, [side === 'before' ? 'after' : 'before']: there } = this.#seen;
    if (this.#isOver && there.size === 0) return true; // nothing is left to come twice
    const digest = digestOf(message);
    if (digest === undefined) return true;
    const copies = (here.get(digest) ?? 0) + 1;
    here.set(digest, copies);
    return copies > (there.get(digest) ?? 0);
  }

  /** The first link is gone. Only copies of what it had are still to come. */
  end(): void {
    const { before, after } = this.#seen;
    for (const [digest, copies] of before) {
      if ((after.get(digest) ?? 0) >= copies) before.delete(digest);
    }
    this.#isOver = true;
  }
}

/** Of what both links have alike: a broker may count down the time to live. None of what we would not send ourselves. */
function digestOf({ ttl: _ttl, ...message }: BareMessage): string | undefined {
  try {
    return createHash('sha256').update(encodeBareMessage(message)).digest('base64');
  } catch {
    return undefined;
  }
}
