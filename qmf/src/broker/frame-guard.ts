import { FrameError } from './frame-error.js';
import { checkPerformative } from './performative-check.js';

const amqp = 0x414d5150; // "AMQP"
const saslProtocol = 3;

type Phase =
  /** The eight bytes of a protocol header must come next. */
  | { readonly at: 'header' }
  | { readonly at: 'sasl' }
  /** SASL is done for the peer, which went on without waiting for the outcome; its bytes wait for it here. */
  | { readonly at: 'awaiting-outcome' }
  | { readonly at: 'amqp' };

/**
 * Cuts the bytes of a peer into whole frames and refuses what rhea would choke on: sizes out of bounds, and performatives whose
 * inner sizes and counts don't add up (rhea allocates what a count announces before it looks whether it can be true).
 */
export class FrameGuard {
  #phase: Phase = { at: 'header' };
  #kept: Buffer = Buffer.alloc(0);
  #saslFrames = 0;

  constructor(private readonly maxFrameSize: number) {}

  /** Bytes kept back because they are no whole frame yet. */
  get pending(): number {
    return this.#kept.length;
  }

  /** Whether a protocol header has yet to come. */
  get beforeHeader(): boolean {
    return this.#phase.at === 'header';
  }

  /** Whether the peer is still authenticating. */
  get authenticating(): boolean {
    return this.#phase.at === 'sasl' || this.#phase.at === 'awaiting-outcome';
  }

  /**
   * Takes bytes from the socket and gives back those that are whole frames, for rhea to read.
   *
   * @throws FrameError
   */
  push(chunk: Buffer): Buffer {
    const bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    const whole = this.#wholeFrames(bytes);
    this.#kept = whole === bytes.length ? Buffer.alloc(0) : bytes.subarray(whole);
    if (this.#phase.at === 'awaiting-outcome' && this.#kept.length > this.maxFrameSize) {
      throw new FrameError('too much was sent before the outcome of SASL');
    }
    return whole === bytes.length ? bytes : bytes.subarray(0, whole);
  }

  /** SASL succeeded: gives back the frames that were sent ahead of the outcome. */
  authenticated(): Buffer {
    this.#phase = { at: 'header' };
    return this.push(Buffer.alloc(0));
  }

  #wholeFrames(bytes: Buffer): number {
    let offset = 0;
    for (;;) {
      const size = this.#sizeAt(bytes, offset);
      if (size === 0 || offset + size > bytes.length) return offset;
      // The mechanisms here have no second step; rhea would begin anew with another user while the first outcome is under way.
      if (this.#phase.at === 'sasl' && ++this.#saslFrames > 1)
        throw new FrameError('more than one SASL frame');
      if (this.#phase.at !== 'header') checkPerformative(bytes, offset, size);
      else this.#phase = { at: bytes[offset + 4] === saslProtocol ? 'sasl' : 'amqp' };
      offset += size;
    }
  }

  /** Size of the header or frame at `offset`; 0 when that cannot be said yet. */
  #sizeAt(bytes: Buffer, offset: number): number {
    switch (this.#phase.at) {
      case 'awaiting-outcome':
        return 0;
      case 'header':
        return headerSize(bytes, offset);
      case 'sasl':
        if (bytes.length - offset >= 4 && bytes.readUInt32BE(offset) === amqp) {
          this.#phase = { at: 'awaiting-outcome' };
          return 0;
        }
        return this.#frameSize(bytes, offset);
      case 'amqp':
        return this.#frameSize(bytes, offset);
    }
  }

  #frameSize(bytes: Buffer, offset: number): number {
    if (bytes.length - offset < 4) return 0;
    const size = bytes.readUInt32BE(offset);
    if (size < 8) throw new FrameError(`a frame of ${size} bytes; 8 is the least`);
    if (size > this.maxFrameSize) {
      throw new FrameError(`a frame of ${size} bytes; max-frame-size is ${this.maxFrameSize}`);
    }
    return size;
  }
}

function headerSize(bytes: Buffer, offset: number): number {
  const available = Math.min(bytes.length - offset, 8);
  if (available >= 4 && bytes.readUInt32BE(offset) !== amqp) {
    throw new FrameError('this is no AMQP: the protocol header is missing');
  }
  if (available < 8) return 0;
  const protocol = bytes[offset + 4];
  if ((protocol !== 0 && protocol !== saslProtocol) || bytes.readUIntBE(offset + 5, 3) !== 0x010000) {
    throw new FrameError(
      `unsupported protocol ${String(protocol)}-${[...bytes.subarray(offset + 5, offset + 8)].join('.')}; only AMQP 1.0 is spoken here`,
    );
  }
  return 8;
}
