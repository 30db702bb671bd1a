/** Room that a transfer frame needs beside its payload. */
export const transferOverhead = 48;

/** Fields of a transfer frame (OASIS AMQP 1.0, part 2 §2.7.5). */
export interface TransferFields {
  readonly channel: number;
  readonly handle: number;
  readonly deliveryId: number;
  readonly settled: boolean;
  readonly more: boolean;
}

/**
 * Writes frame header and performative of a transfer into `out` and gives their length; the payload follows it on the wire.
 * The delivery tag is the delivery id. Written by hand because it is the one thing that a broker does all day.
 */
export function writeTransferHead(out: Buffer, fields: TransferFields, payload: number): number {
  const { channel, handle, deliveryId } = fields;
  out[4] = 2;
  out[5] = 0;
  out.writeUInt16BE(channel, 6);
  out[8] = 0x00;
  out[9] = 0x53;
  out[10] = 0x14;
  out[11] = 0xc0;
  out[13] = 6;
  let at = writeUint(out, 14, handle);
  at = writeUint(out, at, deliveryId);
  out[at] = 0xa0;
  out[at + 1] = 4;
  at = out.writeUInt32BE(deliveryId, at + 2);
  out[at++] = 0x43; // message-format 0
  out[at++] = fields.settled ? 0x41 : 0x42;
  out[at++] = fields.more ? 0x41 : 0x42;
  out[12] = at - 13;
  out.writeUInt32BE(at + payload, 0);
  return at;
}

const outcomeCodes = { accepted: 0x24, rejected: 0x25, released: 0x26, modified: 0x27 } as const;

/** A disposition by which the sender settles deliveries that the receiver has given an outcome without settling them. */
export function settledDisposition(
  channel: number,
  first: number,
  last: number,
  outcome: keyof typeof outcomeCodes,
): Buffer {
  const out = Buffer.alloc(48);
  out[4] = 2;
  out.writeUInt16BE(channel, 6);
  out[9] = 0x53;
  out[10] = 0x15;
  out[11] = 0xc0;
  out[13] = 5;
  out[14] = 0x42; // role: sender
  let at = writeUint(out, 15, first);
  at = writeUint(out, at, last);
  out[at++] = 0x41;
  out[at++] = 0x00;
  out[at++] = 0x53;
  out[at++] = outcomeCodes[outcome];
  out[at++] = 0x45;
  out[12] = at - 13;
  out.writeUInt32BE(at, 0);
  return out.subarray(0, at);
}

function writeUint(out: Buffer, at: number, value: number): number {
  if (value < 256) {
    out[at] = 0x52;
    out[at + 1] = value;
    return at + 2;
  }
  out[at] = 0x70;
  return out.writeUInt32BE(value, at + 1);
}
