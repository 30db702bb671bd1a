import type { Fleet } from '../fleet.js';
import { builds } from './builds.js';
import { manyInFlight, oneInFlight } from './calls.js';
import { events } from './events.js';
import type { CaseName, Line, Sizes } from './lines.js';
import { images } from './images.js';
import { memory } from './memory.js';
import { query } from './query.js';
import { recovery } from './recovery.js';
import { sandboxes } from './sandboxes.js';
import { sharing } from './sharing.js';
import { store } from './store.js';
import { template } from './template.js';

export * from './lines.js';
export { withoutSandbox } from './sandboxes.js';

export const fullSizes = {
  calls: 2_000,
  concurrentCalls: 10_000,
  queries: 10,
  sharedCalls: 200,
  floodInFlight: 1_000,
  floodAtOnce: 100_000,
  // Below the 20 000 messages that a queue of the embedded broker holds: a slow console loses nothing.
  events: 15_000,
  memoryEvents: 1_000_000,
  images: 10_000,
  packages: 3_000,
  orders: 64,
  builds: 1_000,
  sandboxStarts: 5,
  memoryBuilds: 10_000,
} as const;

export const quickSizes = {
  calls: 50,
  concurrentCalls: 200,
  queries: 2,
  sharedCalls: 20,
  floodInFlight: 100,
  floodAtOnce: 2_000,
  events: 500,
  memoryEvents: 2_000,
  images: 200,
  packages: 100,
  orders: 8,
  builds: 20,
  sandboxStarts: 1,
  memoryBuilds: 40,
} as const;

const cases: Readonly<Record<CaseName, (fleet: Fleet, sizes: Sizes) => Promise<readonly Line[]>>> = {
  'call-1': oneInFlight,
  'call-64': manyInFlight,
  'query-1000': query,
  sharing,
  events,
  recovery,
  images: (_fleet, sizes) => images(sizes),
  store: (_fleet, sizes) => store(sizes),
  template: (_fleet, sizes) => Promise.resolve(template(sizes)),
  builds: (_fleet, sizes) => builds(sizes),
  sandbox: (_fleet, sizes) => sandboxes(sizes),
  memory,
};

export function runCase(name: CaseName, fleet: Fleet, sizes: Sizes): Promise<readonly Line[]> {
  return cases[name](fleet, sizes);
}
