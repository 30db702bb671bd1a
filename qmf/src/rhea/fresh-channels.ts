import type { Connection, Session } from 'rhea';

/** What rhea keeps of its sessions that its typings leave out; checked against rhea 3.0 by fresh-channels.test.ts. */
interface ConnectionInternals {
  readonly local_channel_map: Record<number, Session>;
}
interface SessionInternals {
  readonly local: { channel: number };
}

/** The last channel number that was given out on a connection. */
const lastNumbers = new WeakMap<Connection, number>();

/**
 * Creates a session under a channel number that has not been used for as long as the peer's channel-max allows. rhea takes the least that is
 * free, so that of a session which the broker has just ended; RabbitMQ 4.0 may lose what begins under that number until its own process for the
 * old session is gone, and never answers.
 */
export function createSession(connection: Connection): Session {
  const session = connection.create_session();
  const { local_channel_map: used } = connection as unknown as ConnectionInternals;
  const { local } = session as unknown as SessionInternals;
  Reflect.deleteProperty(used, local.channel);
  const number = freeNumber(used, local.channel, lastNumbers.get(connection) ?? -1, maxOf(connection));
  lastNumbers.set(connection, number);
  local.channel = number;
  used[number] = session;
  return session;
}

/** @param least the least that is free */
function freeNumber(used: Record<number, Session>, least: number, last: number, max: number): number {
  for (let number = last + 1; number <= max; number++) if (used[number] === undefined) return number;
  return least;
}

function maxOf(connection: Connection): number {
  const max: unknown = connection.channel_max;
  return typeof max === 'number' ? max : 65_535;
}
