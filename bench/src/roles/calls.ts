import { percentile } from '../statistics.js';
import type { CallFigures } from './contract.js';

/**
 * Makes `count` calls and keeps `inFlight` of them going.
 *
 * @param call starts one call and tells when it was answered; a callback, so that the bare side pays for no promise
 */
export function measureCalls(
  count: number,
  inFlight: number,
  call: (answered: () => void, failed: (error: unknown) => void) => void,
): Promise<CallFigures> {
  return new Promise((resolve, reject) => {
    const latencies = new Float64Array(count);
    let started = 0;
    let done = 0;
    const begin = performance.now();
    const next = (): void => {
      if (started === count) return;
      started++;
      const sent = performance.now();
      call(() => {
        const now = performance.now();
        latencies[done++] = now - sent;
        if (done < count) next();
        else resolve(figures(latencies, now - begin));
      }, reject);
    };
    for (let index = 0; index < inFlight; index++) next();
  });
}

function figures(latencies: Float64Array, milliseconds: number): CallFigures {
  return {
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    perSecond: latencies.length / (milliseconds / 1_000),
  };
}
