import {
  type BrokerAddress,
  type BusFlagValues,
  checkBusFiles,
  parseBrokerList,
  readBusFlags,
  type TransportOptions,
  transportsFor,
} from '@imagefactory/qmf';
import type { DaemonFlags } from './program.js';
import { UsageError } from './usage-error.js';

export type BrokerChoice =
  | { readonly kind: 'embedded' }
  | {
      readonly kind: 'addresses';
      /** In the order in which they are tried. */
      readonly addresses: readonly BrokerAddress[];
      readonly options: TransportOptions;
    };

/**
 * Which brokers the options mean.
 *
 * @param given whether an option stands on the command line, rather than in the environment
 * @throws UsageError, or QmfError `invalid_argument` for an address that can't be read or an option that doesn't go with it
 */
export function chooseBroker(
  flags: Pick<DaemonFlags, 'broker' | 'qpidd' | 'embeddedBroker'> & BusFlagValues,
  given: (option: 'broker') => boolean,
  env: Readonly<Record<string, string | undefined>>,
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
  const texts = (qpidd ?? broker ?? []).filter(text => text !== '');
  const addresses = (texts.length === 0 ? ['localhost'] : texts).flatMap(text => parseBrokerList(text));
  const options = readBusFlags(flags, env, 'IMAGEFACTORY');
  transportsFor(addresses, options); // complains of what does not go together
  return { kind: 'addresses', addresses, options };
}

/**
 * Reads the files that the choice names.
 *
 * @returns the secrets of the bus, which must reach no log
 * @throws QmfError `invalid_argument` for a file that cannot be used
 */
export async function checkChoice(choice: BrokerChoice): Promise<readonly string[]> {
  return choice.kind === 'embedded' ? [] : checkBusFiles(choice.addresses, choice.options);
}
