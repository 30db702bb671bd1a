import { spawn } from 'node:child_process';
import { AgentSession, type ManagedObject } from '../agent/index.js';
import type { BusConnection } from '../connection/index.js';
import type { BodyForm } from '../message/index.js';
import { defineData, defineEvent, Severity } from '../schema/index.js';

const packageName = 'com.redhat.imagefactory';

/** The classes of the QMF API note of 2011, as stock programs of that time expect them. */
export const ImageFactory = defineData({
  package: packageName,
  name: 'ImageFactory',
  properties: {},
  methods: {
    build_image: {
      desc: 'Build a new image',
      arguments: {
        descriptor: { type: 'string', dir: 'I' },
        target: { type: 'string', dir: 'I' },
        image_uuid: { type: 'string', dir: 'I' },
        sec_credentials: { type: 'string', dir: 'I' },
        build_adaptor: { type: 'map', dir: 'O' },
      },
    },
  },
});

export const BuildAdaptor = defineData({
  package: packageName,
  name: 'BuildAdaptor',
  properties: {
    descriptor: { type: 'string' },
    target: { type: 'string' },
    status: { type: 'string' },
    percent_complete: { type: 'int' },
    finished_image: { type: 'string' },
  },
  methods: {},
});

export const StatusEvent = defineEvent({
  package: packageName,
  name: 'BuildAdaptorStatusEvent',
  severity: Severity.NOTICE,
  properties: {
    addr: { type: 'map' },
    event: { type: 'string' },
    new_status: { type: 'string' },
    old_status: { type: 'string' },
  },
});

/** An agent that builds nothing, but says so as the original did. */
export async function startFactory(
  connection: BusConnection,
  instance: string,
  bodyForm: BodyForm,
): Promise<AgentSession> {
  const agent = new AgentSession(connection, {
    vendor: 'redhat.com',
    product: 'imagefactory',
    instance,
    interval: 5,
    bodyForm,
  });
  agent.register(StatusEvent, BuildAdaptor);
  let builds = 0;
  const complete = async (adaptor: ManagedObject<typeof BuildAdaptor>): Promise<void> => {
    adaptor.update({ status: 'COMPLETED', percent_complete: 100, finished_image: '/tmp/image' });
    await agent.raise(StatusEvent, {
      addr: adaptor.addressMap,
      event: 'STATUS',
      old_status: 'NEW',
      new_status: 'COMPLETED',
    });
  };
  agent.publish(ImageFactory, {
    name: 'image_factory',
    values: {},
    methods: {
      build_image: ({ descriptor, target }, call) => {
        const adaptor = agent.publish(BuildAdaptor, {
          name: `build_adaptor-${builds++}`,
          values: { descriptor, target, status: 'NEW', percent_complete: 0, finished_image: '' },
          methods: {},
        });
        call.afterReply(() => void complete(adaptor));
        return { build_adaptor: adaptor.addressMap };
      },
    },
  });
  await agent.open();
  return agent;
}

/** A program that runs until it ends or is ended, with what it has written. */
export interface Program {
  readonly output: () => string;
  readonly exit: Promise<number | null>;
  stop(): Promise<void>;
}

export function startProgram(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Program {
  const child = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
    });
  }
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return {
    output: () => output,
    exit,
    stop: async () => {
      child.kill('SIGTERM');
      await exit;
    },
  };
}
