import { type BrokerAddress, parseBrokerList, type TransportOptions, transportsFor } from '@imagefactory/qmf';
import { type BusFlagValues, checkBusFiles, readBusFlags } from '@imagefactory/qmf/command-line';
import { type BrokerUsers, readBrokerUsers } from './broker-users.js';
import type { DaemonFlags } from './program.js';
import { UsageError } from './usage-error.js';

export type BrokerChoice =
  | {
      readonly kind: 'embedded';
      /** File with its users; without it everybody on this machine may do everything. */
      readonly usersFile?: string;
    }
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
  flags: Pick<DaemonFlags, 'broker' | 'qpidd' | 'embeddedBroker' | 'embeddedBrokerUsers'> & BusFlagValues,
  given: (option: 'broker') => boolean,
  env: Readonly<Record<string, string | undefined>>,
): BrokerChoice {
  const { broker, qpidd, embeddedBroker, embeddedBrokerUsers } = flags;
  if (embeddedBroker !== true && embeddedBrokerUsers !== undefined) {
    throw new UsageError('--embedded-broker-users are those of --embedded-broker; give that too');
  }
  if (given('broker') && qpidd !== undefined) {
    throw new UsageError('--broker and --qpidd mean the same thing; give one of them');
  }
  if (embeddedBroker === true) {
    if (given('broker') || qpidd !== undefined) {
      throw new UsageError(
        '--embedded-broker brings a broker along; leave --broker or --qpidd out, or leave it out',
      );
    }
    return embeddedBrokerUsers === undefined
      ? { kind: 'embedded' }
      : { kind: 'embedded', usersFile: embeddedBrokerUsers };
  }
  const texts = (qpidd ?? broker ?? []).filter(text => text !== '');
  const addresses = (texts.length === 0 ? ['localhost'] : texts).flatMap(text => parseBrokerList(text));
  const options = readBusFlags(flags, env, 'IMAGEFACTORY');
  transportsFor(addresses, options); // complains of what does not go together
  return { kind: 'addresses', addresses, options };
}

/** The contents of the files that a choice names. */
export interface ChoiceFiles {
  /** The secrets of the bus, which must reach no log. */
  readonly secrets: readonly string[];
  /** The users of the embedded broker, where there is a file with them. */
  readonly users?: BrokerUsers;
}

/**
 * Reads the files that the choice names.
 *
 * @throws QmfError `invalid_argument` or UsageError for a file that cannot be used
 */
export async function checkChoice(choice: BrokerChoice): Promise<ChoiceFiles> {
  if (choice.kind === 'addresses') return { secrets: await checkBusFiles(choice.addresses, choice.options) };
  if (choice.usersFile === undefined) return { secrets: [] };
  const users = await readBrokerUsers(choice.usersFile);
  return { secrets: Object.values(users.users).map(({ password }) => password), users };
}
