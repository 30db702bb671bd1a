import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { ChannelModel } from 'amqplib';

/**
 * The inside of amqplib that its door does not show. Its own `connect` knows no other socket than one that it opens itself, no
 * login of more than one step, and takes in what comes right behind the opening before anybody can listen: a broker that closes
 * just then ends the process. Checked against amqplib 2.3 by opening.test.ts.
 */
export interface AmqplibConnection {
  /** Bytes received and not yet used. */
  readonly rest: Buffer;
  /** The next whole frame, or something falsy while there is none. */
  recvFrame: () => Frame | false | null | undefined;
  sendMethod(channel: number, method: number, fields: object): void;
  open(fields: OpeningFields, done: (error: Error | null) => void): void;
}

/** A frame as amqplib decodes it; heartbeats and contents have no `id` of a method. */
export interface Frame {
  readonly id?: number;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** What amqplib sends while a connection is opened; it looks at each when its turn comes. */
export interface OpeningFields {
  readonly clientProperties: object;
  mechanism: string;
  response: Buffer;
  readonly locale: string;
  readonly channelMax: number;
  readonly frameMax: number;
  /** Seconds. */
  readonly heartbeat: number;
  readonly virtualHost: string;
  readonly capabilities: string;
  readonly insist: number;
}

interface Inside {
  readonly Connection: new (socket: Socket) => AmqplibConnection;
  readonly ChannelModel: new (connection: AmqplibConnection) => ChannelModel;
}

/** Class and method of AMQP 0-9-1, as amqplib numbers them. */
export const methods = {
  start: (10 << 16) | 10,
  secure: (10 << 16) | 20,
  secureOk: (10 << 16) | 21,
  tune: (10 << 16) | 30,
  openOk: (10 << 16) | 41,
  close: (10 << 16) | 50,
} as const;

function loadInside(): Inside {
  const require = createRequire(import.meta.url);
  // By its path: the package lets nobody in by name.
  const folder = join(dirname(require.resolve('amqplib')), 'lib');
  const connection: unknown = require(join(folder, 'connection.js'));
  const model: unknown = require(join(folder, 'channel_model.js'));
  const inside = { ...(connection as object), ...(model as object) } as Partial<Inside>;
  const { Connection, ChannelModel } = inside;
  if (typeof Connection !== 'function' || typeof ChannelModel !== 'function')
    throw new Error('this version of amqplib is not one that the 0-9-1 transport can work with');
  return { Connection, ChannelModel };
}

export const { Connection, ChannelModel: Model } = loadInside();
