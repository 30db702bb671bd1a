import { Child } from './process/child.js';
import type { BrokerRole, Requester, Responder } from './roles/contract.js';

/** Two processes that talk through the broker: the QMF console and agent, or bare rhea in their places. */
export interface Pair {
  readonly requester: Child<Requester>;
  readonly responder: Child<Responder>;
}

/** All processes of a run. */
export interface Fleet {
  /** Absent when an external broker is measured. */
  readonly broker: Child<BrokerRole> | undefined;
  readonly qmf: Pair;
  readonly bare: Pair;
}

/** Longest wait for one answer of a process, in milliseconds. */
const TIMEOUT = 120_000;

/** Starts the processes, gives them to `use`, and ends them whatever comes of it. */
export async function withFleet<T>(
  external: string | undefined,
  use: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const children: { stop(): Promise<void> }[] = [];
  const child = <R>(name: string, file: string): Child<R> => {
    const started = new Child<R>(name, new URL(`./roles/${file}`, import.meta.url), TIMEOUT);
    children.push(started);
    return started;
  };
  try {
    const broker = external === undefined ? child<BrokerRole>('broker', 'broker.js') : undefined;
    const url = (await broker?.ask('start', {})) ?? external ?? '';
    const qmf: Pair = {
      responder: child('QMF agent', 'qmf-agent.js'),
      requester: child('QMF console', 'qmf-console.js'),
    };
    const bare: Pair = {
      responder: child('bare responder', 'rhea-responder.js'),
      requester: child('bare requester', 'rhea-requester.js'),
    };
    for (const { responder, requester } of [qmf, bare]) {
      await responder.ask('start', { broker: url });
      await requester.ask('start', { broker: url });
    }
    return await use({ broker, qmf, bare });
  } finally {
    // Last started, first stopped: the broker goes when nobody needs it any more.
    for (const started of children.reverse()) await started.stop();
  }
}
