import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { FrameGuard } from './frame-guard.js';
import type { OutputTotal } from './output-total.js';

const chunkSize = 64 * 1024;
/** Bytes that Node.js reads at a time, if they are there. */
const wholeRead = 64 * 1024;
/** How long a peer has to take the last bytes before its socket is cut. */
const lingerMs = 500;

const amqpHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0]);

type Phase =
  | { readonly at: 'open' }
  /** The last bytes go out, then the socket closes. */
  | { readonly at: 'ending' }
  | { readonly at: 'closed' };

/**
 * A socket as rhea sees it. It stands between the two so that only whole, well-formed frames reach rhea, frames go out together
 * and not one system call each, and somebody notices when a peer stops reading.
 */
export class PeerSocket extends EventEmitter {
  readonly #guard: FrameGuard;
  #phase: Phase = { at: 'open' };
  #congested = false;
  /** Its part of the output that waits. */
  #waiting = 0;
  #chunk = Buffer.allocUnsafeSlow(chunkSize);
  #from = 0;
  #to = 0;
  #flushDue = false;
  /** Output held back while a fault switch has the socket frozen. */
  #frozen: Buffer[] | undefined;

  constructor(
    private readonly socket: Socket,
    maxFrameSize: number,
    private readonly output: OutputTotal,
    private readonly listeners_: {
      /** The peer broke the framing; the connection ends after whatever this writes. */
      broken(error: unknown): void;
      /** A peer that had stopped reading has caught up. */
      writable(): void;
      closed(): void;
    },
  ) {
    super();
    this.#guard = new FrameGuard(maxFrameSize);
    socket.on('data', (chunk: Buffer) => {
      this.#takeTurns(chunk);
      this.#input(chunk);
    });
    socket.on('drain', () => this.#drained());
    // Errors of a socket are followed by its close, which is where rhea and the broker clean up.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
  }

  /** Whether so much output waits for the peer that it should get no more for now. */
  get congested(): boolean {
    return this.#congested;
  }

  get localAddress(): string | undefined {
    return this.socket.localAddress;
  }
  get localPort(): number | undefined {
    return this.socket.localPort;
  }
  get remoteAddress(): string | undefined {
    return this.socket.remoteAddress;
  }
  get remotePort(): number | undefined {
    return this.socket.remotePort;
  }

  setNoDelay(on: boolean): void {
    this.socket.setNoDelay(on);
  }

  write(bytes: Buffer): void {
    this.writePart(bytes, 0, bytes.length);
    if (this.#guard.authenticating) this.#watchOutcome(bytes);
  }

  /** Writes a part of a buffer; small parts are copied, so the buffer may be used again at once. */
  writePart(bytes: Buffer, from: number, to: number): void {
    if (this.#phase.at === 'closed') return;
    const size = to - from;
    if (size > chunkSize / 4) {
      this.#flush();
      this.#send(bytes.subarray(from, to));
    } else {
      if (this.#to + size > chunkSize) this.#flush();
      if (this.#to + size > chunkSize) this.#newChunk();
      this.#to += bytes.copy(this.#chunk, this.#to, from, to);
    }
    if (!this.#flushDue) {
      this.#flushDue = true;
      process.nextTick(() => {
        this.#flushDue = false;
        this.#flush();
      });
    }
  }

  /** Stops reading and writing and keeps the socket open, as a peer does that has lost its power; or goes on. */
  freeze(frozen: boolean): void {
    if (frozen === (this.#frozen !== undefined) || this.#phase.at === 'closed') return;
    if (frozen) {
      this.#flush();
      this.#frozen = [];
      this.socket.pause();
      return;
    }
    const held = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const bytes of held) this.#send(bytes);
    this.socket.resume();
    if (this.#phase.at === 'ending') this.#finish();
  }

  /** Ends the connection once everything written in this turn of the event loop is out. */
  end(): void {
    if (this.#phase.at !== 'open') return;
    this.#phase = { at: 'ending' };
    setImmediate(() => {
      if (this.#frozen === undefined) this.#finish();
    });
  }

  #finish(): void {
    this.#flush();
    this.socket.end();
    setTimeout(() => this.destroy(), lingerMs).unref();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #input(chunk: Buffer): void {
    if (this.#phase.at !== 'open') return;
    try {
      this.#toRhea(this.#guard.push(chunk));
    } catch (error) {
      this.#break(error);
    }
  }

  /** More than one read may be waiting: others are served before the next, of which libuv would else do 32 in a row. */
  #takeTurns(chunk: Buffer): void {
    if (chunk.length < wholeRead) return;
    this.socket.pause();
    setImmediate(() => this.#readOn());
  }

  #readOn(): void {
    if (this.#frozen === undefined && this.socket.writableLength <= this.output.bounds.deaf)
      this.socket.resume();
  }

  #toRhea(frames: Buffer): void {
    if (frames.length > 0) this.emit('data', frames);
  }

  #break(error: unknown): void {
    // A peer that speaks something else is told what is spoken here (OASIS AMQP 1.0, part 2 §2.2).
    if (this.#guard.beforeHeader) this.write(amqpHeader);
    this.listeners_.broken(error);
    this.end();
  }

  /** Looks for the sasl-outcome frame (0x44), which rhea does not announce; its last byte is the code, 0 for success. */
  #watchOutcome(bytes: Buffer): void {
    if (bytes[5] !== 1 || bytes[10] !== 0x44) return;
    if (bytes[bytes.length - 1] !== 0) {
      this.end();
      return;
    }
    // rhea changes over to AMQP just after it has written the outcome.
    process.nextTick(() => {
      try {
        this.#toRhea(this.#guard.authenticated());
      } catch (error) {
        this.#break(error);
      }
    });
  }

  #newChunk(): void {
    this.#chunk = Buffer.allocUnsafeSlow(chunkSize);
    this.#from = 0;
    this.#to = 0;
  }

  #flush(): void {
    if (this.#to === this.#from) return;
    const part = this.#chunk.subarray(this.#from, this.#to);
    this.#from = this.#to;
    this.#send(part);
  }

  #send(bytes: Buffer): void {
    if (this.#frozen !== undefined) {
      this.#frozen.push(bytes);
      return;
    }
    if (this.socket.write(bytes)) {
      this.#waits(0);
      return;
    }
    const waiting = this.socket.writableLength;
    this.#waits(waiting);
    const { congested, deaf } = this.output.bounds;
    if (waiting > congested) this.#congested = true;
    if (waiting > deaf) this.socket.pause();
  }

  #waits(bytes: number): void {
    this.output.change(bytes - this.#waiting);
    this.#waiting = bytes;
  }

  #drained(): void {
    this.#waits(0);
    if (!this.#congested) return;
    this.#congested = false;
    if (this.#frozen !== undefined) return;
    this.socket.resume();
    this.listeners_.writable();
  }

  #closed(): void {
    this.#phase = { at: 'closed' };
    this.#waits(0);
    // rhea stops its timers on 'end'.
    this.emit('end');
    this.listeners_.closed();
  }
}
