import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { describe, it } from 'mocha';
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
    new PeerSocket(socket as unknown as Socket, 65_536, listeners).on('data', ignore);
    socket.read();
    let turns = 0;
    for (let before = 0; reads.length < 20; turns++) {
      expect(reads.length - before, 'reads of one turn').to.be.at.most(2);
      before = reads.length;
      await nextTurn();
    }
    expect(turns).to.be.at.least(10);
  });
});
