import type { Connection, Session } from 'rhea';
import type { LinkInternals } from './rhea-internals.js';

/** What rhea keeps of a peer's frame, for as long as that is open which the frame has opened. */
interface Opened {
  readonly remote: Partial<Record<keyof typeof needed, Readonly<Record<string, unknown>>>>;
}

/** Fields of those frames that are read later; all others, such as properties and filters, are as long as a peer likes. */
const needed = {
  open: ['container_id', 'max_frame_size', 'channel_max', 'idle_time_out'],
  begin: ['remote_channel', 'next_outgoing_id', 'incoming_window', 'outgoing_window', 'handle_max'],
  attach: ['handle', 'role', 'snd_settle_mode', 'rcv_settle_mode', 'max_message_size'],
} as const;

export function keepLittleOfOpen(connection: Connection): void {
  keepLittle(connection, 'open');
}

export function keepLittleOfBegin(session: Session): void {
  keepLittle(session, 'begin');
}

/** To be called when the attach has been answered. */
export function keepLittleOfAttach(link: LinkInternals): void {
  keepLittle(link, 'attach');
}

function keepLittle(endpoint: object, frame: keyof typeof needed): void {
  // Not in rhea's typings; lib/connection.js, session.js and link.js of rhea 3.0 read single fields of these.
  const { remote } = endpoint as Opened;
  const all = remote[frame];
  if (all !== undefined) remote[frame] = Object.fromEntries(needed[frame].map(name => [name, all[name]]));
}
