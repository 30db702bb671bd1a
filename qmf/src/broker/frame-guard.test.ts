import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { FrameError } from './frame-error.js';
import { FrameGuard } from './frame-guard.js';

const header = Buffer.from('AMQP\0\x01\0\0', 'latin1');

function frame(performative: readonly number[]): Buffer {
  const body = Buffer.from(performative);
  const head = Buffer.from([0, 0, 0, 0, 2, 0, 0, 0]);
  head.writeUInt32BE(8 + body.length);
  return Buffer.concat([head, body]);
}

/** open with container id "c" */
const open = frame([0, 0x53, 0x10, 0xc0, 4, 1, 0xa1, 1, 0x63]);

describe('FrameGuard', () => {
  it('gives whole frames, wherever the input is cut', () => {
    const input = Buffer.concat([header, open, frame([]), open]);
    for (let cut = 0; cut <= input.length; cut++) {
      const guard = new FrameGuard(512);
      const first = guard.push(input.subarray(0, cut));
      const second = guard.push(input.subarray(cut));
      expect(Buffer.concat([first, second]).equals(input), `cut at ${cut}`).to.equal(true);
      expect([0, 8, 8 + open.length, 16 + open.length, input.length]).to.include(first.length);
      expect(guard.pending).to.equal(0);
    }
  });

  it('keeps what comes after SASL until the outcome is known', () => {
    const guard = new FrameGuard(512);
    const sasl = Buffer.from('AMQP\x03\x01\0\0', 'latin1');
    const init = frame([0, 0x53, 0x41, 0xc0, 4, 1, 0xa3, 1, 0x50]);
    expect(guard.push(Buffer.concat([sasl, init, header, open])).length).to.equal(8 + init.length);
    expect(guard.authenticating).to.equal(true);
    expect(guard.push(open).length).to.equal(0);
    expect(guard.authenticated().equals(Buffer.concat([header, open, open]))).to.equal(true);
    expect(guard.authenticating).to.equal(false);
  });

  const refused: readonly [what: string, bytes: Buffer][] = [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['AMQP 0-9-1', Buffer.from('AMQP\0\0\x09\x01', 'latin1')],
    ['AMQP 0-10', Buffer.from('AMQP\x01\x01\0\x0a', 'latin1')],
    ['a frame of 7 bytes', Buffer.concat([header, Buffer.from([0, 0, 0, 7])])],
    ['a frame of 4 GiB', Buffer.concat([header, Buffer.from([255, 255, 255, 255])])],
    ['a frame one byte too big', Buffer.concat([header, Buffer.from([0, 0, 2, 1])])],
    ['a data offset of one word', Buffer.concat([header, Buffer.from([0, 0, 0, 8, 1, 0, 0, 0])])],
    ['a data offset past the end', Buffer.concat([header, Buffer.from([0, 0, 0, 8, 3, 0, 0, 0])])],
    ['no descriptor', Buffer.concat([header, frame([0x45])])],
    [
      'a list of four thousand million items',
      Buffer.concat([header, frame([0, 0x53, 0x10, 0xd0, 0, 0, 0, 4, 255, 255, 255, 255])]),
    ],
    [
      'an array of as many nulls',
      Buffer.concat([header, frame([0, 0x53, 0x10, 0xf0, 0, 0, 0, 5, 255, 255, 255, 255, 0x40])]),
    ],
    ['a string past the end', Buffer.concat([header, frame([0, 0x53, 0x10, 0xc0, 4, 1, 0xa1, 9, 0x63])])],
    ['a list with bytes left over', Buffer.concat([header, frame([0, 0x53, 0x10, 0xc0, 3, 1, 0x40, 0x40])])],
    ['descriptors without end', Buffer.concat([header, frame(new Array<number>(100).fill(0))])],
    ['an unknown type code', Buffer.concat([header, frame([0, 0x53, 0x10, 0x3f])])],
  ];
  for (const [what, bytes] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => new FrameGuard(512).push(bytes)).to.throw(FrameError);
    });
  }

  it('gives a FrameError and nothing else for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, framed) => {
        const input = framed
          ? Buffer.concat([header, frame([0, 0x53, 0x10, ...bytes])])
          : Buffer.concat([header, bytes]);
        try {
          new FrameGuard(512).push(input);
        } catch (error) {
          expect(error).to.be.instanceOf(FrameError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
