import type { Wire } from '../transport/transport.js';
import type { ConnectionSettings } from './options.js';

/**
 * Puts the bindings of a wire in place anew from time to time: no broker announces that an exchange was deleted and made again, and an agent
 * would be deaf from then on. The pauses vary between half the interval and all of it, so that many clients of one broker don't do it all at
 * once. The result ends that.
 */
export function keepBindings(
  wire: Wire,
  { renewal, random, timers }: Pick<ConnectionSettings, 'renewal' | 'random' | 'timers'>,
): () => void {
  if (renewal <= 0 || wire.renewBindings === undefined) return () => undefined;
  let isOver = false;
  let cancel: () => void = () => undefined;
  const next = (): void => {
    cancel = timers.after(renewal * (0.5 + random() / 2), () => void renew());
  };
  const renew = async (): Promise<void> => {
    await wire.renewBindings?.();
    if (!isOver) next();
  };
  next();
  return () => {
    isOver = true;
    cancel();
  };
}
