import type { AccessList } from '@imagefactory/factory/access';
import { type FactoryOptions, longestTimer, whole, within } from '@imagefactory/factory';
import type { BodyForm, BusConnection, Transport } from '@imagefactory/qmf';
import type { SchemaRevision } from '@imagefactory/schema';

/** The factory of an agent, and its door on the bus. */
export interface AgentOptions extends Omit<FactoryOptions, 'directory'> {
  /** The bus: a connection, which stays its owner's to close, or a transport, over which the agent keeps one of its own. */
  readonly bus: BusConnection | Transport;
  /** Images, the jobs' logs and the agent's own state are kept there. */
  readonly imageDirectory: string;
  /** Seconds that running calls have to end, and the last messages to reach the broker, when the agent stops; default 5. */
  readonly settleTime?: number;
  /** Seconds for which the adaptors of finished builds stay on the bus; default a day. */
  readonly keepFinished?: number;
  /** Number of such adaptors; default 1000. */
  readonly keepFinishedCount?: number;
  /** Seconds between heartbeats; default 30. */
  readonly interval?: number;
  /** Which revision of the seed's classes consoles are told of; every method is answered in any case. Default `2011`. */
  readonly schemaRevision?: SchemaRevision;
  /** Who may call what; default: everybody everything. */
  readonly access?: AccessList;
  /** Go by `access` where the broker does not vouch for user ids too; default false: every call is refused there. */
  readonly acceptUnverifiedUsers?: boolean;
  /** QMF domain; default `default`. */
  readonly domain?: string;
  /** Answer only to consoles' own keys on the topic exchange; default false. */
  readonly strictSecurity?: boolean;
  /** Forces the form of broadcasts. */
  readonly bodyForm?: BodyForm;
}

export interface DoorSettings {
  readonly settleTime: number;
  readonly keepFinished: number;
  readonly keepFinishedCount: number;
  readonly interval: number;
}

/** @throws RangeError that names the option, its value and the range */
export function doorSettings(options: AgentOptions): DoorSettings {
  return {
    settleTime: within('settleTime', options.settleTime ?? 5, 0, longestTimer),
    keepFinished: within('keepFinished', options.keepFinished ?? 86_400, 0, Number.MAX_SAFE_INTEGER),
    keepFinishedCount: whole('keepFinishedCount', options.keepFinishedCount ?? 1000, 0),
    interval: whole('interval', options.interval ?? 30, 1),
  };
}
