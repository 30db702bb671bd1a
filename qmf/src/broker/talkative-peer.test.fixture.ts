// A thread with a peer that says much in each frame that it opens something with: what it keeps of that itself is in no other's heap.
import { once } from 'node:events';
import { workerData } from 'node:worker_threads';
import rhea, { type Connection } from 'rhea';

export interface TalkativePeer {
  readonly port: number;
  readonly opens: 'links' | 'sessions';
  readonly count: number;
}

// Only limits.test.ts starts this thread.
const { count, opens, port } = workerData as TalkativePeer;

/** 50 KB in a frame, and ten times as much once it is decoded. */
const properties = Object.fromEntries(
  Array.from({ length: 3_000 }, (_one, index) => [`key-${index}`, 'some']),
);
const connection = rhea.connect({ host: '127.0.0.1', port, reconnect: false });
await once(connection, 'connection_open');
for (let index = 0; index < count; index++) {
  if (opens === 'links') connection.open_receiver({ source: 'amq.topic', properties });
  else beginWith(connection);
}

function beginWith(to: Connection): void {
  const session = to.create_session();
  // Not in rhea's typings: what it sends in the begin.
  (session as unknown as { local: { begin: { properties: object } } }).local.begin.properties = properties;
  session.open();
}
