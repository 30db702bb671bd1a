import type { RetryPolicy } from '@imagefactory/qmf';

/**
 * How an agent comes back to its bus. Credentials and addresses may be mended at the broker, and the agent is to need no restart for that.
 * A broker takes its time to start, and consoles are back within seconds of that: they are not to wait half a minute for the agent.
 */
export const agentRetry: Partial<RetryPolicy> = { retryRefused: true, maxDelay: 5_000 };
