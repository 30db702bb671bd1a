import type { AmqpError, Session } from 'rhea';
import { deliverRaw } from '../rhea/raw-deliveries.js';
import { FrameError } from './frame-error.js';
import { keepLittleOfAttach } from './kept-frames.js';
import {
  type AttachFrame,
  type DispositionFrame,
  type FlowFrame,
  type LinkInternals,
  type SessionInternals,
  sessionInternals,
} from './rhea-internals.js';
import { TransferGuard, type TransferLimits } from './transfer-guard.js';

/** Characters. A link is known by its name until the peer detaches it, also one that was refused for its name. */
const longestName = 1024;

export interface SessionLimits extends TransferLimits {
  /** Links of one session. */
  readonly maxLinks: number;
}

export type Outcome = 'none' | 'accepted' | 'rejected' | 'released' | 'modified';

/** What the broker hears of a session beside rhea's own events. */
export interface SessionEvents {
  /** The peer moved its window, perhaps without naming a link. */
  windowMoved(): void;
  /** The peer settled deliveries `first` to `last`, gave them an outcome, or both. */
  disposition(first: number, last: number, outcome: Outcome, settled: boolean): void;
  /** A link must end: what came on it is beyond the limits. */
  overflow(link: LinkInternals, error: AmqpError): void;
}

export interface SessionGuard {
  /** Whether the attach that is just being announced names a source or target of a kind rhea does not know (a coordinator). */
  readonly unknownTerminus: boolean;
  readonly transfers: TransferGuard;
}

/** Makes a session of the listening side safe against its peer. To be called at `session_open`, before any other frame of it. */
export function guardSession(session: Session, limits: SessionLimits, events: SessionEvents): SessionGuard {
  deliverRaw(session);
  const internals = sessionInternals(session);
  internals.local.begin.handle_max = limits.maxLinks - 1;
  const transfers = new TransferGuard(internals.incoming, limits, (link, error) =>
    events.overflow(link, error),
  );
  guardFlow(internals, events);
  guardDispositions(internals, events);
  guardOutcomes(internals);
  return guardAttach(internals, limits, transfers);
}

/** rhea keeps links by name; AMQP allows one link of each direction to share a name, and python-proton makes use of that. */
function guardAttach(
  session: SessionInternals,
  limits: SessionLimits,
  transfers: TransferGuard,
): SessionGuard {
  const original = session.on_attach.bind(session);
  const guard = { unknownTerminus: false, transfers };
  session.on_attach = (frame: AttachFrame) => {
    const { name, handle, role, initial_delivery_count: deliveryCount } = frame.performative;
    if (typeof name !== 'string' || typeof handle !== 'number' || typeof role !== 'boolean') {
      throw new FrameError('an attach without name, handle or role');
    }
    if (name.length > longestName) throw new FrameError(`a link name of ${name.length} characters`);
    if (handle >= limits.maxLinks || Object.keys(session.links).length >= limits.maxLinks) {
      throw new FrameError(`more than ${limits.maxLinks} links in a session`);
    }
    const key = `${role ? 'out' : 'in'}:${name}`;
    if (session.links[key] !== undefined) throw new FrameError(`link "${name}" is attached already`);
    guard.unknownTerminus =
      dropUnknownTerminus(frame, 'source', [0x28]) || dropUnknownTerminus(frame, 'target', [0x29]);
    original(frame);
    const link = session.links[name];
    if (link === undefined) return;
    keepLittleOfAttach(link);
    if (!role && typeof deliveryCount === 'number') link.delivery_count = deliveryCount;
    link.name = key;
    session.links = Object.fromEntries(Object.values(session.links).map(each => [each.name, each]));
  };
  return guard;
}

/** rhea writes to the console about a terminus it does not know. */
function dropUnknownTerminus(
  { performative }: AttachFrame,
  end: 'source' | 'target',
  known: readonly number[],
): boolean {
  const descriptor = descriptorOf(performative[end]);
  if (descriptor === undefined || known.includes(Number(descriptor)) || descriptor === `amqp:${end}:list`) {
    return false;
  }
  performative[end] = undefined;
  return true;
}

/** Descriptor of a value as rhea leaves it: a number, text, or eight bytes. */
function descriptorOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('descriptor' in value)) return undefined;
  const { descriptor } = value;
  return typeof descriptor === 'object' && descriptor !== null && 'value' in descriptor
    ? descriptor.value
    : descriptor;
}

function guardFlow(session: SessionInternals, events: SessionEvents): void {
  const original = session.on_flow.bind(session);
  session.on_flow = (frame: FlowFrame) => {
    const { performative } = frame;
    // Null means that the peer has not seen our attach yet, which said 0.
    performative.delivery_count ??= 0;
    performative.link_credit ??= 0;
    original(frame);
    if (performative.echo === true && typeof performative.handle === 'number') {
      session._get_link(frame).issue_flow = true;
    }
    events.windowMoved();
  };
}

const outcomes: Readonly<Record<string, Outcome>> = {
  [0x24]: 'accepted',
  [0x25]: 'rejected',
  [0x26]: 'released',
  [0x27]: 'modified',
  'amqp:accepted:list': 'accepted',
  'amqp:rejected:list': 'rejected',
  'amqp:released:list': 'released',
  'amqp:modified:list': 'modified',
};

/**
 * rhea tells outcomes of one turn together, and takes the second of a row for the same as the first without looking: a message
 * that was released behind one that was accepted would be reported as accepted.
 */
function guardOutcomes({ incoming }: SessionInternals): void {
  const original = incoming.process.bind(incoming);
  incoming.process = session => {
    const all = incoming.updated;
    for (let from = 0; from < all.length; ) {
      let to = from + 1;
      while (to < all.length && isAccepted(all[from]) && isAccepted(all[to])) to++;
      if (from === 0 && to === all.length) break;
      incoming.updated = all.slice(from, to);
      original(session);
      from = to;
    }
    original(session);
  };
}

function isAccepted(delivery: { readonly state?: unknown } | undefined): boolean {
  return outcomes[String(descriptorOf(delivery?.state))] === 'accepted';
}

/** rhea would walk through every id of the range, of which there can be four thousand million. */
function guardDispositions(session: SessionInternals, events: SessionEvents): void {
  session.on_disposition = ({ performative }: DispositionFrame) => {
    const { role, first, last, state, settled } = performative;
    if (typeof first !== 'number') throw new FrameError('a disposition without first delivery id');
    // Incoming deliveries are settled by the broker when it gives their outcome; a sender has nothing to add.
    if (role !== true) return;
    const outcome = outcomes[String(descriptorOf(state))] ?? 'none';
    events.disposition(first, typeof last === 'number' ? last : first, outcome, settled === true);
  };
}
