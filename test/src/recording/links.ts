import { Int, type Value } from '@imagefactory/qmf';
import type { Direction } from '../support/fault-proxy.js';
import { type Frame, FrameReader, listOf, performative } from './frames.js';

/** A message on one connection. */
export interface Delivery {
  readonly direction: Direction;
  /** Address of the link: of its target from a client, of its source from the broker. */
  readonly node: string;
  /** All sections, as they were sent. */
  readonly bytes: Buffer;
}

interface Link {
  readonly node: string;
  pieces: Buffer[];
}

/** Positions of fields in performatives (OASIS AMQP 1.0, part 2 §2.7). */
const field = {
  attach: { handle: 1, role: 2, source: 5, target: 6 },
  transfer: { handle: 0, more: 5, aborted: 9 },
  detach: { handle: 0 },
} as const;

/** Finds the messages in the bytes of one direction of a connection. */
export class LinkReader {
  readonly #frames = new FrameReader();
  readonly #links = new Map<string, Link>();

  constructor(
    private readonly direction: Direction,
    private readonly onMessage: (delivery: Delivery) => void,
  ) {}

  read(bytes: Uint8Array): void {
    for (const frame of this.#frames.read(bytes)) this.#take(frame);
  }

  #take(frame: Frame): void {
    const { channel, code, fields } = frame;
    if (code === performative.attach) this.#attach(frame);
    else if (code === performative.transfer) this.#transfer(frame);
    else if (code === performative.detach) this.#links.delete(linkKey(channel, fields[field.detach.handle]));
    else if (code === performative.end) {
      for (const key of [...this.#links.keys()]) if (key.startsWith(`${channel} `)) this.#links.delete(key);
    }
  }

  /** Only the end that sends puts transfers on its handle. */
  #attach({ channel, fields }: Frame): void {
    const isSender = fields[field.attach.role] === false;
    if (!isSender) return;
    const terminus = this.direction === 'toBroker' ? field.attach.target : field.attach.source;
    const [address] = listOf(fields[terminus]);
    const node = typeof address === 'string' ? address : '';
    this.#links.set(linkKey(channel, fields[field.attach.handle]), { node, pieces: [] });
  }

  #transfer({ channel, fields, payload }: Frame): void {
    const link = this.#links.get(linkKey(channel, fields[field.transfer.handle]));
    if (link === undefined) throw new Error('a transfer on a handle that no sender was attached to');
    link.pieces.push(payload);
    if (fields[field.transfer.more] === true) return;
    const bytes = Buffer.concat(link.pieces);
    link.pieces = [];
    if (fields[field.transfer.aborted] === true) return;
    this.onMessage({ direction: this.direction, node: link.node, bytes });
  }
}

function linkKey(channel: number, handle: Value | undefined): string {
  return `${channel} ${handle instanceof Int ? handle.toString() : ''}`;
}
