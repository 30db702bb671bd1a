import type { RunningBroker } from '@imagefactory/qmf/broker';
import type { BrokerKind, BrokerProcess, Protocol } from '../support/brokers/index.js';

/** Where scenarios are played: one broker, spoken to in one protocol. */
export interface Site {
  readonly kind: BrokerKind;
  readonly protocol: Protocol;
  /** The broker's address with the scheme of the protocol. */
  readonly url: string;
  /** Means to take the broker away. */
  readonly process?: BrokerProcess;
  /** Address of a second broker of the same kind. */
  readonly spare?: string;
  /** Makes the broker take no messages for a while, the way that it does by itself when it is short of something. */
  readonly flow?: FlowSwitch;
  /** Means of an administrator to ill-treat exchanges. */
  readonly exchanges?: ExchangeSwitch;
  /** The broker itself, where it is the embedded one. */
  readonly embedded?: () => RunningBroker;
  /** Whether this is the run of everything, in which things may take their time. */
  readonly long: boolean;
  /** What counts for a minute here. */
  readonly seconds: number;
}

export interface FlowSwitch {
  /** For people: what is short. */
  readonly how: string;
  block(): Promise<void>;
  unblock(): Promise<void>;
}

export interface ExchangeSwitch {
  delete(name: string): Promise<void>;
  /** Makes an exchange as any console would that finds none. */
  make(name: string, type: 'topic' | 'direct'): Promise<void>;
}

/** Host and port of a broker's address. */
export function placeOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(url.replace(/^[a-z0-9]+:/, 'http:'));
  return { host: hostname, port: Number(port) };
}
