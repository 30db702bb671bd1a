// An agent whose builds are nothing but events, at a rate; run by `load-process.ts`.
import { randomUUID } from 'node:crypto';
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
import type { LoadNews, LoadOrder } from './messages.js';

const order = JSON.parse(process.argv[2] ?? '') as LoadOrder; // written by our parent
const parallel = 40;
/** Adaptors that stay on the bus after the end of their builds: some ten seconds' worth. */
const kept = 400;

const connection = new BusConnection(transportFor(order.url, { clientName: 'load-agent' }), { retry });
const session = new AgentSession(connection, {
  vendor: VENDOR,
  product: PRODUCT,
  instance: randomUUID(),
  domain: order.domain,
  interval: 1,
});
const unsent = new Set<Promise<void>>();
const ended: Record<string, string> = {};
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

/** One build; every step raises one event, properties first. */
function* build(): Generator<void> {
  const fails = ++builds % 10 === 0;
  const name = `${ADAPTOR_PREFIX}${randomUUID()}`;
  const adaptor = session.publish(BuildAdaptor, {
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
async function run(): Promise<void> {
  const start = performance.now();
  const raisedBefore = raised;
  const running = Array.from({ length: parallel }, build);
  for (let turn = 0; running.length > 0; ) {
    const elapsed = (performance.now() - start) / 1_000;
    const until = raisedBefore + Math.floor(elapsed * order.rate);
    for (let due = until - raised; due > 0 && running.length > 0; due--) {
      turn = (turn + 1) % running.length;
      const current = running[turn];
      if (current?.next().done !== true) continue;
      if (elapsed < order.seconds) running[turn] = build();
      else running.splice(turn, 1);
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  while (unsent.size > 0) await Promise.all(unsent);
}

async function leave(): Promise<void> {
  clearInterval(sampling);
  session.close();
  await connection.close();
  process.disconnect();
}

process.on('message', command => {
  if (command === 'go') void run().then(() => tell({ kind: 'done', raised, ended }));
  else void leave();
});

const sampling = setInterval(() => {
  global.gc?.();
  tell({ kind: 'memory', heapUsed: process.memoryUsage().heapUsed, waiting: unsent.size });
}, 1_000);

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
await session.open();
connection.start();
await connection.ready({ timeout: 20_000 });
tell({ kind: 'ready' });
