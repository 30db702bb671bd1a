/**
 * `2026-11-21T05:10:11.123Z`: UTC wherever a time is shown, as in the agent's log, so that the two can be laid side by side.
 *
 * @param milliseconds since 1970; what no calendar has is 'no time'
 */
export function utcTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? 'no time' : date.toISOString();
}

/** `05:10:11Z`: the time of day alone, in UTC. */
export function utcTimeOfDay(milliseconds: number): string {
  return utcTime(milliseconds).replace(/^.*T([\d:]+)\.\d+Z$/, '$1Z');
}

/** `0:07`, `12:40`, `1:02:03`. */
export function elapsedTime(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** A QMF time (nanoseconds since 1970) in milliseconds. */
export function fromNanoseconds(timestamp: bigint): number {
  return Number(timestamp / 1_000_000n);
}

/** A QMF time as ISO 8601, or null where the agent gave none or one that no calendar has. */
export function isoTime(timestamp: bigint): string | null {
  const date = new Date(fromNanoseconds(timestamp));
  return timestamp === 0n || Number.isNaN(date.getTime()) ? null : date.toISOString();
}
