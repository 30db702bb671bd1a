import { type Plain, type PlainMap, toPlain } from '@imagefactory/qmf';
import { decodeList } from '@imagefactory/qmf/wire';
import { connectConsole } from '@imagefactory/console-client';
import { FactoryRecords, RECORDS_OBJECT, SEQUENCE_PROPERTY } from '@imagefactory/schema';
import { connect } from 'amqplib';
import { expect } from 'chai';
import rhea from 'rhea';
import { AgentProgram } from '../support/agent-program.js';
import { collect, until } from '../support/until.js';

/** Name of the queue in docs/brokers.md. */
export const QUEUE = 'orchestrator';

/** An event as a program finds it in the queue. */
export interface QueuedEvent {
  readonly sequence: number | undefined;
  readonly values: PlainMap;
}

/**
 * A durable queue has all events of a build that nobody read, with the sequences that the record gives them.
 *
 * @param make makes the queue as docs/brokers.md says
 * @param read gives all messages in the queue, up to the one that `isLast` tells
 */
export async function queueKeepsEvents(
  url: string,
  make: () => Promise<void>,
  read: (isLast: (event: QueuedEvent) => boolean) => Promise<readonly QueuedEvent[]>,
): Promise<void> {
  await make();
  const agent = await AgentProgram.start(url);
  const console = await connectConsole({ broker: url });
  try {
    const factory = await console.findFactory({ timeout: 45_000 });
    const build = await factory.buildImage({ descriptor: '<template></template>', target: 'mock' });
    await collect(build.changes());
    const events = await read(({ values }) => values['new_status'] === 'COMPLETED');
    const statuses = events.flatMap(({ values }) => values['new_status'] ?? []);
    expect(statuses).to.deep.equal(['INITIALIZING', 'BUILDING', 'FINISHING', 'COMPLETED']);
    const [records] = await factory.agent.objects(FactoryRecords);
    expect(records?.address.objectName).to.equal(RECORDS_OBJECT);
    const page = await records?.call('events', { build: '', from: 1 });
    // Its first event, the acceptance, is in the record alone.
    const recorded = (page?.events.slice(1) as readonly PlainMap[]).map(event => ({
      ...{ sequence: Number(event['seq']), event: event['event'] },
    }));
    const queued = events
      .filter(({ sequence }) => sequence !== undefined)
      .map(({ sequence, values }) => ({ sequence, event: values['event'] }));
    expect(queued).to.deep.equal(recorded);
  } finally {
    await console.close();
    await agent.stop();
  }
}

/** Reads the queue over AMQP 0-9-1. */
export async function readOver091(
  url: string,
  isLast: (event: QueuedEvent) => boolean,
): Promise<readonly QueuedEvent[]> {
  const connection = await connect(url);
  const events: QueuedEvent[] = [];
  try {
    const channel = await connection.createChannel();
    await channel.consume(QUEUE, message => {
      if (message === null) return;
      const sequence: unknown = message.properties.headers?.[SEQUENCE_PROPERTY];
      events.push(queuedEvent(sequence, decodeList(message.content).map(item => toPlain(item))[0]));
      channel.ack(message);
    });
    await until('the last event is read', () => events.some(isLast));
    return events;
  } finally {
    await connection.close();
  }
}

/** Reads the queue over AMQP 1.0. */
export async function readOver10(
  url: string,
  isLast: (event: QueuedEvent) => boolean,
): Promise<readonly QueuedEvent[]> {
  const { hostname, port } = new URL(url.replace(/^\w+:/, 'http:'));
  const connection = rhea
    .create_container()
    .connect({ host: hostname, port: Number(port), username: 'anonymous', reconnect: false });
  const events: QueuedEvent[] = [];
  const receiver = connection.open_receiver(QUEUE);
  receiver.on('message', ({ message }: { readonly message?: rhea.Message }) => {
    const sequence: unknown = message?.application_properties?.[SEQUENCE_PROPERTY];
    // Our agent sends a list with one event.
    events.push(queuedEvent(sequence, (message?.body as readonly Plain[] | undefined)?.[0]));
  });
  try {
    await until('the last event is read', () => events.some(isLast));
    return events;
  } finally {
    connection.close();
  }
}

function queuedEvent(sequence: unknown, item: Plain | undefined): QueuedEvent {
  const values = (item as { readonly _values: PlainMap })._values; // docs/wire.md
  return { sequence: sequence === undefined ? undefined : Number(sequence), values };
}
