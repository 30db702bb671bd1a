import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { OutputTotal } from './output-total.js';
import { PeerSocket } from './peer-socket.js';

const header = Buffer.from('AMQP\0\x01\0\0', 'latin1');
/** As many empty frames as Node.js reads at a time. */
const frames = Buffer.alloc(64 * 1024, Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]));

/** The part of a socket that reads, with all that the peer has sent there at once. */
class EagerSocket extends EventEmitter {
  readonly writableLength = 0;
  isPaused = false;
  #left: number;
  #next = Buffer.concat([header, frames.subarray(header.length)]);

  constructor(reads: number) {
    super();
    this.#left = reads;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.read();
  }

  /** As libuv does: read after read, until there is nothing more or the reader has enough. */
  read(): void {
    while (!this.isPaused && this.#left > 0) {
      this.#left--;
      this.emit('data', this.#next);
      this.#next = frames;
    }
  }

  destroy(): void {
    this.isPaused = true;
  }
}

describe('the socket of a peer', () => {
  it('lets others have a turn after each whole read', async () => {
    const socket = new EagerSocket(20);
    const reads: number[] = [];
    socket.on('data', (chunk: Buffer) => reads.push(chunk.length));
    const ignore = (): void => undefined;
    const listeners = { broken: ignore, writable: ignore, closed: ignore };
    // Of a socket it uses what EagerSocket has.
    new PeerSocket(socket as unknown as Socket, 65_536, new OutputTotal(1 << 26), listeners).on(
      'data',
      ignore,
    );
    socket.read();
    let turns = 0;
    for (let before = 0; reads.length < 20; turns++) {
      expect(reads.length - before, 'reads of one turn').to.be.at.most(2);
      before = reads.length;
      await nextTurn();
    }
    expect(turns).to.be.at.least(10);
  });

  it('takes less at a time for each slow peer while much waits for all of them', () => {
    const total = new OutputTotal(1_000_000);
    const ignore = (): void => undefined;
    const open = (): { socket: SlowSocket; peer: PeerSocket } => {
      const socket = new SlowSocket();
      const listeners = { broken: ignore, writable: ignore, closed: ignore };
      // Of a socket it uses what SlowSocket has.
      return { socket, peer: new PeerSocket(socket as unknown as Socket, 65_536, total, listeners) };
    };
    const [first, second, third] = [open(), open(), open()];
    const bytes = Buffer.alloc(100_000);
    for (let count = 0; count < 5; count++) first.peer.write(bytes);
    expect([first.peer.congested, first.socket.isPaused, total.waiting]).to.deep.equal([
      false,
      false,
      500_000,
    ]);
    for (let count = 0; count < 6; count++) second.peer.write(bytes);
    expect(total.waiting).to.equal(1_100_000);
    expect([second.peer.congested, second.socket.isPaused]).to.deep.equal([true, true]);
    third.peer.write(bytes);
    expect([third.peer.congested, third.socket.isPaused]).to.deep.equal([true, false]);
    second.socket.take();
    expect([second.peer.congested, second.socket.isPaused, total.waiting]).to.deep.equal([
      false,
      false,
      600_000,
    ]);
    first.socket.emit('close');
    third.socket.take();
    expect(total.waiting).to.equal(0);
  });
});

/** The part of a socket that writes, whose peer takes nothing until it takes all. */
class SlowSocket extends EventEmitter {
  writableLength = 0;
  isPaused = false;

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  write(bytes: Buffer): boolean {
    this.writableLength += bytes.length;
    return false;
  }

  take(): void {
    this.writableLength = 0;
    this.emit('drain');
  }
}
