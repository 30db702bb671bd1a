import type { Receiver, Sender } from 'rhea';
import { isConfirmed } from '../rhea/events.js';

/** The condition with which a link is refused; undefined where it is attached for good. */
export function refusal(link: Sender | Receiver): Promise<string | undefined> {
  const role = link.is_sender() ? 'sender' : 'receiver';
  return new Promise(resolve => {
    link.on(`${role}_open`, () => {
      // A refused link has no terminus of the broker's.
      if (isConfirmed(link.is_sender() ? link.target : link.source)) resolve(undefined);
    });
    link.on(`${role}_error`, () => resolve(conditionOf(link)));
  });
}

/** The condition that the peer gave when it closed something. */
export function conditionOf({ error }: { readonly error?: unknown }): string | undefined {
  return (error as { condition?: string } | undefined)?.condition;
}

const outcomes = ['accepted', 'released', 'rejected', 'sender_error'] as const;

/** What becomes of the next message of a link. */
export function outcomeOf(link: Sender): Promise<(typeof outcomes)[number]> {
  return new Promise(resolve => {
    const listeners = outcomes.map(name => {
      const listener = (): void => {
        for (const [other, each] of listeners) link.off(other, each);
        resolve(name);
      };
      link.on(name, listener);
      return [name, listener] as const;
    });
  });
}
