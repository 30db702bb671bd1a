import type { Protocol } from './grounds.js';
import { Child } from './process/child.js';
import type {
  BrokerRole,
  QmfRequester,
  QmfResponder,
  RelayRole,
  Requester,
  Responder,
} from './roles/contract.js';

/** Two processes that talk through the broker: the QMF console and agent, or the bare library in their places. */
export interface Pair {
  readonly requester: Child<Requester>;
  readonly responder: Child<Responder>;
}

/** A pair of QMF, which can do more. */
export interface QmfPair {
  readonly requester: Child<QmfRequester>;
  readonly responder: Child<QmfResponder>;
}

/** All processes of a run. */
export interface Fleet {
  readonly protocol: Protocol;
  /** Absent when an external broker is measured. */
  readonly broker: Child<BrokerRole> | undefined;
  readonly qmf: QmfPair;
  readonly bare: Pair;
  /** Starts another QMF console of the same agent. */
  readonly another: () => Promise<Child<QmfRequester>>;
  /** Starts another QMF console and agent, with a relay between them and the broker that can cut them off. */
  readonly behindRelay: () => Promise<{ readonly relay: Child<RelayRole>; readonly pair: QmfPair }>;
}

/** The agent that most cases measure. */
const first = 'bench';

/** Longest wait for one answer of a process, in milliseconds. */
const TIMEOUT = 120_000;

/** Starts the processes, gives them to `use`, and ends them whatever comes of it. */
export async function withFleet<T>(
  protocol: Protocol,
  external: string | undefined,
  use: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const children: { stop(): Promise<void> }[] = [];
  const child = <R>(name: string, file: string): Child<R> => {
    const started = new Child<R>(name, new URL(`./roles/${file}`, import.meta.url), TIMEOUT);
    children.push(started);
    return started;
  };
  const qmfPair = (): QmfPair => ({
    responder: child('QMF agent', 'qmf-agent.js'),
    requester: child('QMF console', 'qmf-console.js'),
  });
  try {
    const broker = external === undefined ? child<BrokerRole>('broker', 'broker.js') : undefined;
    const url = (await broker?.ask('start', {})) ?? external ?? '';
    const qmf = qmfPair();
    const bare: Pair =
      protocol === '1.0'
        ? {
            responder: child('bare responder', 'rhea-responder.js'),
            requester: child('bare requester', 'rhea-requester.js'),
          }
        : {
            responder: child('bare responder', 'amqplib-responder.js'),
            requester: child('bare requester', 'amqplib-requester.js'),
          };
    // QMF first: it makes the exchange where the broker has none.
    for (const pair of [qmf, bare]) await start(pair, url, first);
    const behindRelay = async () => {
      const relay = child<RelayRole>('relay', 'relay.js');
      const pair = qmfPair();
      // Of another name, or it would be taken for the first agent after a restart.
      await start(pair, await relay.ask('start', { broker: url }), 'behind-relay');
      return { relay, pair };
    };
    const another = async () => {
      const requester = child<QmfRequester>('another QMF console', 'qmf-console.js');
      await requester.ask('start', { broker: url, instance: first });
      return requester;
    };
    return await use({ protocol, broker, qmf, bare, another, behindRelay });
  } finally {
    // Last started, first stopped: the broker goes when nobody needs it any more.
    for (const started of children.reverse()) await started.stop();
  }
}

async function start({ responder, requester }: Pair, broker: string, instance: string): Promise<void> {
  await responder.ask('start', { broker, instance });
  await requester.ask('start', { broker, instance });
}
