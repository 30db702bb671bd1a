import { encodeMap } from '../codec/amqp010.js';
import { QmfError } from '../errors.js';
import { type AgentName, agentNameToText, checkAgentName } from '../message/agent-name.js';
import { directSubjectOf } from '../message/keys.js';
import { toValue, type PlainInput } from '../value/convert.js';
import type { Value, ValueMap } from '../value/value.js';
import type { BodyForm } from '../message/envelope.js';
import { boundedLog, type SessionLog, silentLog } from '../session/session-log.js';
import { type Clock, systemClock } from './clock.js';
import type { Namesake } from './namesakes.js';
import type { MethodCall } from './object-store.js';
import { boundedShares, type CallerShares } from './shares.js';

export interface AgentOptions {
  readonly vendor: string;
  readonly product: string;
  /** Unique for the agent, and the same after a restart if it is to be known as the same. */
  readonly instance: string;
  /** QMF domain, default `default`. */
  readonly domain?: string;
  /** Seconds between heartbeats, default 60, from 1 to a day. Java consoles want 30 or less. */
  readonly interval?: number;
  /** Number of this start, at least 1; must grow with each start of the same agent. Default 1. */
  readonly epoch?: number;
  /** More attributes for heartbeats and locate answers. */
  readonly attributes?: Readonly<Record<string, PlainInput>>;
  /** Answer only to `direct-console.` keys on the topic exchange (wire document §7.1). Default false. */
  readonly strictSecurity?: boolean;
  /** Listen on the direct exchange too, where Python and Java consoles send requests. Default true. */
  readonly listenOnDirect?: boolean;
  /** Forces the form of broadcasts; by default the transport knows what its broker needs. */
  readonly bodyForm?: BodyForm;
  /** Stands before every method call. Default: lets all pass. */
  readonly gate?: CallGate;
  /**
   * Called when another agent is on the bus under this one's name, again while it stays. One that `yields` should call `rename`. Default: the log
   * warns.
   */
  readonly onNamesake?: (other: Namesake) => void;
  /** Shares the agent among its callers. Default: first come, first served, with bounds on all together. */
  readonly shares?: CallerShares;
  readonly log?: SessionLog;
  readonly clock?: Clock;
}

/**
 * Sees each method call before it is known whether there is such an object or method. It may refuse by throwing an `AgentException`,
 * else gives what `proceed` gives; so it sees the end of the call too.
 */
export type CallGate = (call: MethodCall, proceed: () => Promise<ValueMap>) => Promise<ValueMap>;

export interface AgentSettings {
  readonly name: AgentName;
  readonly domain: string;
  readonly interval: number;
  readonly epoch: number;
  readonly attributes: ValueMap;
  readonly directSubject: string;
  readonly strictSecurity: boolean;
  readonly listenOnDirect: boolean;
  readonly bodyForm: BodyForm | undefined;
  readonly gate: CallGate;
  readonly onNamesake: ((other: Namesake) => void) | undefined;
  readonly shares: CallerShares;
  readonly log: SessionLog;
  readonly clock: Clock;
}

/** A day, in seconds; consoles drop an agent after three intervals of silence at the latest. */
const LONGEST_INTERVAL = 86_400;

/** @throws QmfError `invalid_argument` */
export function agentSettings(options: AgentOptions): AgentSettings {
  const { vendor, product, instance } = options;
  const name = checkAgentName({ vendor, product, instance });
  const interval = options.interval ?? 60;
  if (!Number.isInteger(interval) || interval < 1 || interval > LONGEST_INTERVAL) {
    throw new QmfError(
      'invalid_argument',
      `interval: ${interval} given, whole seconds from 1 to ${LONGEST_INTERVAL} (a day) are expected`,
    );
  }
  const epoch = options.epoch ?? 1;
  if (!Number.isInteger(epoch) || epoch < 1 || epoch > 0xffff_ffff) {
    throw new QmfError('invalid_argument', `epoch: ${epoch} given, a whole number from 1 is expected`);
  }
  const attributes = new Map<string, Value>(
    Object.entries(options.attributes ?? {}).map(([key, value]) => [key, toValue(value, `attribute ${key}`)]),
  );
  encodeMap(attributes); // refuses here what no heartbeat could carry
  return {
    name,
    domain: options.domain ?? 'default',
    interval,
    epoch,
    attributes,
    directSubject: directSubjectOf(agentNameToText(name)),
    strictSecurity: options.strictSecurity ?? false,
    listenOnDirect: options.listenOnDirect ?? true,
    bodyForm: options.bodyForm,
    gate: options.gate ?? ((_call, proceed) => proceed()),
    onNamesake: options.onNamesake,
    shares: options.shares ?? boundedShares(),
    log: boundedLog(options.log ?? silentLog),
    clock: options.clock ?? systemClock(),
  };
}
