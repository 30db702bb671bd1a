import { randomUUID } from 'node:crypto';
import { PassThrough, Writable } from 'node:stream';
import {
  AgentException,
  AgentSession,
  amqp10,
  BusConnection,
  defineData,
  defineEvent,
  Severity,
} from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { readTextFile } from '@imagefactory/text';
import {
  BuildAdaptor,
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
  BuildFailedEvent,
  ImageFactory,
} from '@imagefactory/schema';
import type { Sink } from '../terminal/streams.js';
import type { Io } from './io.js';
import { runCli } from './run.js';

/** A class with an argument of every type, whose method gives back what it got. */
export const Widget = defineData({
  package: 'com.example.widgets',
  name: 'Widget',
  properties: { name: { type: 'string' }, serial: { type: 'int' } },
  methods: {
    echo: {
      arguments: {
        flag: { type: 'bool', dir: 'IO' },
        number: { type: 'int', dir: 'IO' },
        ratio: { type: 'float', dir: 'IO' },
        text: { type: 'string', dir: 'IO' },
        table: { type: 'map', dir: 'IO' },
        items: { type: 'list', dir: 'IO' },
      },
    },
    fail: { arguments: {} },
    ring: { arguments: {} },
  },
});

export const RingEvent = defineEvent({
  package: 'com.example.widgets',
  name: 'RingEvent',
  severity: Severity.WARN,
  properties: { text: { type: 'string' } },
});

/** What a hostile agent might like to say: sets the title of the window, and rings the bell. */
export const hostileText = '\u001b]0;owned\u0007\u009b31m\u202eabc';

export interface TestBus {
  readonly broker: RunningBroker;
  /** Lets builds for the target `hold` go on. */
  release(): void;
  close(): Promise<void>;
}

/** A broker with an agent of vendor `redhat.com` and product `imagefactory`, and one of another make. */
export async function startTestBus(instances: readonly string[] = ['one']): Promise<TestBus> {
  const broker = await startBroker();
  const connections: BusConnection[] = [];
  const held: (() => void)[] = [];
  const connect = async (vendor: string, product: string, instance: string): Promise<AgentSession> => {
    const connection = new BusConnection(amqp10(broker.url), { retry: { initialDelay: 20, maxDelay: 100 } });
    connections.push(connection);
    const session = new AgentSession(connection, { vendor, product, instance });
    await session.open();
    connection.start();
    await connection.ready();
    return session;
  };
  for (const instance of instances) {
    publishFactory(await connect('redhat.com', 'imagefactory', instance), held);
  }
  publishWidget(await connect('example.com', 'widgetd', 'w1'));
  return {
    broker,
    release: () => {
      for (const go of held.splice(0)) go();
    },
    close: async () => {
      await Promise.all(connections.map(connection => connection.close()));
      await broker.stop();
    },
  };
}

function publishFactory(agent: AgentSession, held: (() => void)[]): void {
  agent.register(BuildAdaptorStatusEvent, BuildAdaptorPercentCompleteEvent, BuildFailedEvent);
  agent.publish(ImageFactory, {
    name: 'image_factory',
    values: {},
    methods: {
      build_image: ({ descriptor, target, sec_credentials: credentials = '' }, call) => {
        if (descriptor === '') throw new AgentException('descriptor: it is empty', 4);
        const adaptor = agent.publish(BuildAdaptor, {
          name: `build_adaptor-${randomUUID()}`,
          values: {
            descriptor,
            target: credentials === '' ? target : `${target} with credentials`,
            status: 'NEW',
            percent_complete: 0,
            finished_image: '',
          },
          methods: {},
        });
        const addr = adaptor.addressMap;
        const turn = (status: string): void => {
          const before = adaptor.values.status;
          adaptor.update({ status });
          void agent.raise(BuildAdaptorStatusEvent, {
            addr,
            event: 'STATUS',
            new_status: status,
            old_status: before,
          });
        };
        const reach = (percent: number): void => {
          adaptor.update({ percent_complete: percent });
          void agent.raise(BuildAdaptorPercentCompleteEvent, {
            addr,
            event: 'PERCENTAGE',
            percent_complete: percent,
          });
        };
        const proceed = async (): Promise<void> => {
          turn('BUILDING');
          reach(50);
          if (target === 'hold') {
            await new Promise<void>(resolve => held.push(resolve));
            reach(75);
          }
          if (descriptor.includes('FAIL')) {
            turn('FAILED');
            void agent.raise(BuildFailedEvent, {
              addr,
              event: 'FAILURE',
              type: 'wanted',
              info: `Failure encountered while: testing: ${hostileText}`,
            });
            return;
          }
          adaptor.update({ finished_image: '/var/lib/image.qcow2', percent_complete: 100 });
          turn('COMPLETED');
        };
        call.afterReply(() => void proceed());
        return { build_adaptor: addr };
      },
    },
  });
}

function publishWidget(agent: AgentSession): void {
  agent.register(RingEvent);
  for (const [name, serial] of [
    ['left', 1],
    ['right', 2],
  ] as const) {
    agent.publish(Widget, {
      name: `widget-${name}`,
      values: { name: name === 'left' ? hostileText : name, serial },
      methods: {
        echo: inputs => inputs,
        fail: () => {
          throw new AgentException(`no way ${hostileText}`, 7);
        },
        ring: (_inputs, call) => {
          call.afterReply(() => void agent.raise(RingEvent, { text: hostileText }));
          return {};
        },
      },
    });
  }
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Makes standard output a terminal with so many columns. */
  readonly terminal?: number;
  /** Told of everything on standard output so far, whenever there is more. */
  readonly onOutput?: (stdout: string) => void;
  /** The same for standard error. */
  readonly onNotes?: (stderr: string) => void;
}

/** Runs the command line inside this process. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const stdout = new Capture(options.onOutput, options.terminal);
  const stderr = new Capture(options.onNotes);
  const stdin = new PassThrough();
  stdin.end(options.stdin ?? '');
  const io: Io = {
    stdin,
    stdout,
    stderr,
    env: options.env ?? {},
    now: Date.now,
    readText: (path, name) => {
      const text = options.files?.[path];
      return text === undefined ? readTextFile(path, { name }) : Promise.resolve(text);
    },
    signal: options.signal ?? new AbortController().signal,
    output: { lost: new AbortController().signal, failed: new AbortController().signal },
  };
  const code = await runCli(args, io);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** Every line of standard output as JSON. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>); // every line is an object; what is not fails the test
}

class Capture extends Writable implements Sink {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;

  constructor(
    private readonly onText: (text: string) => void = () => undefined,
    columns = 0,
  ) {
    super();
    this.isTTY = columns > 0;
    this.columns = columns;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.onText(this.text);
    done();
  }
}
