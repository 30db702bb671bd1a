import type { Connection, Session } from 'rhea';

/** What rhea's typings leave out of what both sides announced and use; checked against rhea 3.0 by transport/amqp10/refusals.test.ts. */
interface ConnectionInternals {
  readonly local_channel_map: Readonly<Record<number, unknown>>;
}
interface SessionInternals {
  readonly local: { readonly handles: Readonly<Record<number, unknown>> };
  readonly remote: { readonly begin?: { readonly handle_max?: unknown } };
}

/** The least that a peer may ask for (OASIS AMQP 1.0, part 2 §2.7.1). */
const LEAST_FRAME = 512;

/**
 * What keeps a peer's max-frame-size from being used; undefined where it can be. rhea would go round for ever cutting messages into
 * pieces of less than nothing.
 */
export function unusableFrameSize(connection: Connection): string | undefined {
  const size: unknown = connection.max_frame_size;
  if (typeof size !== 'number' || size >= LEAST_FRAME) return undefined;
  return `it wants frames of at most ${size} bytes, and AMQP 1.0 knows none below ${LEAST_FRAME}`;
}

/** Sessions that the peer allows, if no more can be begun. */
export function sessionsExhausted(connection: Connection): number | undefined {
  const max: unknown = connection.channel_max;
  const limit = typeof max === 'number' ? max + 1 : Infinity;
  const { local_channel_map: used } = connection as unknown as ConnectionInternals;
  return Object.keys(used).length >= limit ? limit : undefined;
}

/** Links that the peer allows on the session, if no more can be attached. Unknown until the peer has begun the session. */
export function linksExhausted(session: Session): number | undefined {
  const { local, remote } = session as unknown as SessionInternals;
  const max = Number(remote.begin?.handle_max ?? Number.NaN); // rhea's default is a text
  return Object.keys(local.handles).length > max ? max + 1 : undefined;
}
