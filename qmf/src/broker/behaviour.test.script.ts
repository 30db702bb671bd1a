import { matching, messages } from './behaviour.test.messages.js';
import { capabilities, creation, differences, dynamicNodes, refusals } from './behaviour.test.nodes.js';
import type { Scenario } from './behaviour.test.steps.js';
import { subscriptions } from './behaviour.test.subscriptions.js';

/** The whole script, in the order in which it is run. */
export const scenarios: readonly Scenario[] = [
  ...subscriptions,
  ...capabilities,
  ...refusals,
  ...creation,
  ...dynamicNodes,
  ...messages,
  ...matching,
  ...differences,
];
