import { brokers as starters } from '@imagefactory/test';

/** The AMQP versions that are measured, each beside the library that our transport for it stands on. */
export const protocols = ['1.0', '0-9-1'] as const;
export type Protocol = (typeof protocols)[number];

/** The library that does the same without QMF. */
export const bareLibrary: Readonly<Record<Protocol, string>> = { '1.0': 'rhea', '0-9-1': 'amqplib' };

/** Brokers that the bench starts for itself. */
export const startableBrokers = ['embedded', 'rabbitmq', 'broker-j', 'artemis', 'qpidd'] as const;

/** A broker to measure on. */
export interface Ground {
  /** For people; without a password. */
  readonly name: string;
  /** Where it is in each protocol that it speaks; none for the embedded broker, which gets a process of the fleet. */
  readonly addresses: ReadonlyMap<Protocol, string | undefined>;
  stop(): Promise<void>;
}

/** @throws Error that says why a broker could not be had */
export async function openGround(which: string): Promise<Ground> {
  const kind = startableBrokers.find(name => name === which);
  if (kind === undefined) return running(which);
  if (kind === 'embedded') return { name: kind, addresses: new Map([['1.0', undefined]]), stop: nothing };
  const broker = await starters[kind]();
  if ('missing' in broker) throw new Error(`${kind} cannot be had: ${broker.missing}`);
  const addresses = new Map<Protocol, string>();
  if (broker.protocols.includes('amqp10')) addresses.set('1.0', broker.url);
  if (broker.protocols.includes('amqp091')) addresses.set('0-9-1', broker.url.replace(/^amqp:/, 'amqp091:'));
  return { name: kind, addresses, stop: () => broker.stop() };
}

function running(address: string): Ground {
  const protocol = address.startsWith('amqp091:') ? '0-9-1' : '1.0';
  return {
    name: address.replace(/\/\/.*@/, '//'),
    addresses: new Map([[protocol, address]]),
    stop: nothing,
  };
}

function nothing(): Promise<void> {
  return Promise.resolve();
}
