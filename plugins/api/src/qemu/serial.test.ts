import { expect } from 'chai';
import { describe, it } from 'mocha';
import { lastLines, SerialTranscript } from './serial.js';

describe('SerialTranscript', () => {
  it('finds a pattern that comes in pieces and among control sequences', async () => {
    const serial = new SerialTranscript();
    const found = serial.waitFor(/login: ?$/);
    serial.append(Buffer.from('\u001b[0;32mhost\u001b[0m lo'));
    serial.append(Buffer.from('gin: '));
    expect(await found).to.equal('host login: ');
  });

  it('looks only at what comes after the given place', async () => {
    const serial = new SerialTranscript();
    serial.append(Buffer.from('# old'));
    const from = serial.text.length;
    const found = serial.waitFor(/#/, from);
    serial.append(Buffer.from(' new #'));
    expect(await found).to.equal(' new #');
  });

  it('ends all waits with the first reason', async () => {
    const serial = new SerialTranscript();
    const found = serial.waitFor(/never/).catch((error: unknown) => error);
    serial.close(new Error('first'));
    serial.close(new Error('second'));
    expect(await found).to.have.property('message', 'first');
    expect(await serial.waitFor(/never/).catch((error: unknown) => error)).to.have.property(
      'message',
      'first',
    );
  });

  it('decodes characters that are cut by a chunk', async () => {
    const serial = new SerialTranscript();
    const bytes = Buffer.from('©');
    serial.append(bytes.subarray(0, 1));
    serial.append(bytes.subarray(1));
    expect(await serial.waitFor(/©/)).to.equal('©');
  });
});

describe('lastLines', () => {
  it('leaves out empty lines', () => {
    expect(lastLines('a\r\n\r\nb\r\n \r\nc\r\n', 2)).to.equal('b\nc');
  });
});
