import type { BusConnection } from './bus-connection.js';

export interface HeldUpOptions {
  /** Milliseconds without the broker's word on anything; default 5 000. */
  readonly patience?: number;
}

/** Looks taken in that time. */
const LOOKS = 5;

/**
 * Calls `listener` with `true` when the broker has said nothing about any message for a while though some are on their way, and with
 * `false` when it does again or the connection is gone. It then holds publishers back, as RabbitMQ does when memory or disk run short, or
 * keeps its word on what goes to a full queue, as qpidd does; the connection itself is well. The result ends that.
 *
 * It looks at the connection's statistics a few times, so that messages cost nothing for it.
 */
export function watchHeldUp(
  connection: Pick<BusConnection, 'state' | 'statistics'>,
  listener: (isHeldUp: boolean) => void,
  { patience = 5_000 }: HeldUpOptions = {},
): () => void {
  let said = 0;
  let inVain = 0;
  const timer = setInterval(() => {
    const { accepted, released, rejected, underWay } = connection.statistics;
    const wasHeldUp = inVain >= LOOKS;
    const now = accepted + released + rejected;
    const isWaiting = connection.state === 'open' && underWay > 0 && now === said;
    said = now;
    inVain = isWaiting ? inVain + 1 : 0;
    if (inVain >= LOOKS !== wasHeldUp) listener(!wasHeldUp);
  }, patience / LOOKS).unref();
  return () => clearInterval(timer);
}
