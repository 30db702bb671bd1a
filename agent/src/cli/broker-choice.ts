import { type BrokerAddress, parseBrokerUrl } from '@imagefactory/qmf';
import type { DaemonFlags } from './program.js';
import { UsageError } from './usage-error.js';

export type BrokerChoice =
  | { readonly kind: 'embedded' }
  | { readonly kind: 'address'; readonly address: BrokerAddress };

/**
 * Which broker the options mean.
 *
 * @param given whether an option stands on the command line, rather than in the environment
 * @throws UsageError, or QmfError `invalid_argument` for an address that can't be read
 */
export function chooseBroker(
  flags: Pick<DaemonFlags, 'broker' | 'qpidd' | 'embeddedBroker'>,
  given: (option: 'broker') => boolean,
): BrokerChoice {
  const { broker, qpidd, embeddedBroker } = flags;
  if (given('broker') && qpidd !== undefined) {
    throw new UsageError('--broker and --qpidd mean the same thing; give one of them');
  }
  if (embeddedBroker === true) {
    if (given('broker') || qpidd !== undefined) {
      throw new UsageError(
        '--embedded-broker brings a broker along; leave --broker or --qpidd out, or leave it out',
      );
    }
    return { kind: 'embedded' };
  }
  return { kind: 'address', address: parseBrokerUrl(qpidd ?? broker ?? 'localhost') };
}
