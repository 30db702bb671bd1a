import type { Receiver, Sender, SenderOptions, Session } from 'rhea';

/** What rhea keeps of a session's links that its typings leave out; checked against rhea 3.0 by paired-links.test.ts. */
interface SessionInternals {
  readonly links: Record<string, Sender | Receiver>;
  on_attach(frame: { readonly performative: { name: string; readonly role?: boolean } }): void;
}

const pairNames = new WeakMap<Session, Set<string>>();

/**
 * Opens a sender under the name of a receiver, which AMQP allows and link pairs are known by. rhea keeps a session's links by
 * their names alone, so the sender would take the receiver's place; here it is kept under another.
 */
export function openPairedSender(session: Session, receiver: Receiver, options: SenderOptions): Sender {
  const internals = session as unknown as SessionInternals;
  const { name } = receiver;
  namesOf(session, internals).add(name);
  const sender = session.open_sender({ ...options, name });
  internals.links[name] = receiver;
  sender.name = senderName(name);
  internals.links[sender.name] = sender;
  return sender;
}

/** Names of the pairs in a session, whose incoming attaches go to the sender where the peer is the receiver. */
function namesOf(session: Session, internals: SessionInternals): Set<string> {
  const known = pairNames.get(session);
  if (known !== undefined) return known;
  const names = new Set<string>();
  pairNames.set(session, names);
  const original = internals.on_attach.bind(internals);
  internals.on_attach = frame => {
    const { performative } = frame;
    if (performative.role === true && names.has(performative.name))
      performative.name = senderName(performative.name);
    original(frame);
  };
  return names;
}

function senderName(name: string): string {
  return `${name} (sender)`;
}
