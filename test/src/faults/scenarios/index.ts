import type { Scenario } from '../scenario.js';
import { brokerAway } from './broker-away.js';
import { exchanges } from './exchanges.js';
import { crowds } from './crowds.js';
import { cuts } from './cuts.js';
import { flow } from './flow.js';
import { halfOpen } from './half-open.js';
import { load } from './load.js';
import { restarts } from './restarts.js';

/** What is played on every broker and in every protocol. */
export const scenarios: readonly Scenario[] = [
  // Those that last longest come first, so that the others can be played meanwhile.
  ...halfOpen,
  ...load,
  ...brokerAway,
  ...cuts,
  ...exchanges,
  ...flow,
  ...restarts,
  ...crowds,
];
