import type { RetryPolicy } from '@imagefactory/qmf';

/** Quick, so that a test need not wait; credentials and addresses may be wrong for a moment while a broker starts. */
export const retry: Partial<RetryPolicy> = { initialDelay: 20, maxDelay: 250, retryRefused: true };
