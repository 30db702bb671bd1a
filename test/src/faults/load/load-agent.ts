// An agent whose builds are nothing but events, at a rate; run by `load-process.ts`.
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  AgentException,
  AgentSession,
  BusConnection,
  exceptionCodes,
  type ManagedObject,
  transportFor,
} from '@imagefactory/qmf';
import {
  ADAPTOR_PREFIX,
  BuildAdaptor,
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
  FACTORY_OBJECT,
  ImageFactory,
  PRODUCT,
  VENDOR,
} from '@imagefactory/schema';
import { retry } from '../retry.js';
import type { LoadCommand, LoadDone, LoadNews, LoadOrder } from './messages.js';

const order = JSON.parse(process.argv[2] ?? '') as LoadOrder; // written by our parent
const parallel = 40;
/** Adaptors that stay on the bus after the end of their builds: more than a run makes, so that a console on a busy machine finds each. */
const kept = 10_000;

const connection = new BusConnection(transportFor(order.url, { clientName: 'load-agent' }), { retry });
const session = new AgentSession(connection, {
  vendor: VENDOR,
  product: PRODUCT,
  instance: randomUUID(),
  domain: order.domain,
  interval: 1,
});
const unsent = new Set<Promise<void>>();
let ended: Record<string, string> = {};
const finished: ManagedObject<typeof BuildAdaptor>[] = [];
let raised = 0;
let builds = 0;

function tell(news: LoadNews): void {
  process.send?.(news);
}

function raise(sending: Promise<void>): void {
  raised++;
  const sent = sending.finally(() => unsent.delete(sent));
  unsent.add(sent);
}

function publishAdaptor(name: string): ManagedObject<typeof BuildAdaptor> {
  return session.publish(BuildAdaptor, {
    name,
    values: {
      descriptor: '<template></template>',
      target: 'mock',
      status: 'NEW',
      percent_complete: 0,
      finished_image: '',
    },
    methods: {},
  });
}

/** One build; every step raises one event, properties first. */
function* build(): Generator<void> {
  const fails = ++builds % 10 === 0;
  const name = `${ADAPTOR_PREFIX}${randomUUID()}`;
  const adaptor = publishAdaptor(name);
  const addr = adaptor.addressMap;
  let before = 'NEW';
  const status = (next: string): void => {
    adaptor.update({ status: next });
    raise(
      session.raise(BuildAdaptorStatusEvent, { addr, event: 'STATUS', old_status: before, new_status: next }),
    );
    before = next;
  };
  const percent = (percent_complete: number): void => {
    adaptor.update({ percent_complete });
    raise(session.raise(BuildAdaptorPercentCompleteEvent, { addr, event: 'PERCENTAGE', percent_complete }));
  };
  status('INITIALIZING');
  yield;
  status('BUILDING');
  yield;
  for (let done = 5; done < 100; done += 5) {
    percent(done);
    yield;
  }
  if (fails) {
    raise(session.raise(BuildFailedEvent, { addr, event: 'FAILURE', type: 'mock', info: 'as told' }));
    yield;
    status('FAILED');
  } else {
    status('FINISHING');
    yield;
    adaptor.update({ finished_image: `/nowhere/${name}` });
    percent(100);
    yield;
    status('COMPLETED');
  }
  ended[name] = before;
  finished.push(adaptor);
  if (finished.length > kept) finished.shift()?.remove();
}

/** Raises events at the rate for the time, then lets the builds under way come to their ends. */
async function run(seconds: number): Promise<LoadDone> {
  const start = performance.now();
  const raisedBefore = raised;
  ended = {};
  const running = Array.from({ length: parallel }, build);
  for (let turn = 0; running.length > 0; ) {
    const elapsed = (performance.now() - start) / 1_000;
    const until = raisedBefore + Math.floor(elapsed * order.rate);
    for (let due = until - raised; due > 0 && running.length > 0; due--) {
      turn = (turn + 1) % running.length;
      const current = running[turn];
      if (current?.next().done !== true) continue;
      if (elapsed < seconds) running[turn] = build();
      else running.splice(turn, 1);
    }
    await pause(5);
  }
  while (unsent.size > 0) await Promise.all(unsent);
  return { kind: 'done', raised: raised - raisedBefore, ended, memory: await memory() };
}

async function memory(): Promise<number> {
  if (global.gc === undefined) throw new Error('started without --expose-gc');
  await pause(500); // what the last answers of the broker and their timers still hold
  global.gc();
  await pause(0); // buffers are freed by finalizers
  global.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function leave(): Promise<void> {
  session.close();
  await connection.close();
  process.disconnect();
}

process.on('message', message => {
  const command = message as LoadCommand; // our parent's
  if (command.kind === 'run') void run(command.seconds).then(tell);
  else void leave();
});

session.register(BuildAdaptor, BuildAdaptorStatusEvent, BuildAdaptorPercentCompleteEvent, BuildFailedEvent);
session.publish(ImageFactory, {
  name: FACTORY_OBJECT,
  values: {},
  methods: {
    build_image: () => {
      throw new AgentException('this agent takes no orders', exceptionCodes.notImplemented);
    },
  },
});
// As many finished builds as there will ever be, so that none is taken for growth.
while (finished.length < kept) finished.push(publishAdaptor(`${ADAPTOR_PREFIX}${randomUUID()}`));
await session.open();
connection.start();
await connection.ready({ timeout: 60_000 });
tell({ kind: 'ready' });
