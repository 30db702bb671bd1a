import type { RetryPolicy } from '@imagefactory/qmf';

/**
 * How an agent comes back to its bus. Credentials and addresses may be mended at the broker, and the agent is to need no restart for that.
 */
export const agentRetry: Partial<RetryPolicy> = { retryRefused: true };
