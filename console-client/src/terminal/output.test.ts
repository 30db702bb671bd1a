import { Uuid } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { escapeControls } from './escape.js';
import { toJsonLine } from './json.js';
import { barText } from './progress.js';
import { painterFor } from './style.js';
import { renderTable } from './table.js';
import { elapsedTime, isoTime, utcTime, utcTimeOfDay } from './time.js';
import { showValue } from './values.js';
import { displayWidth, padTo, truncate } from './width.js';
import { PassThrough } from 'node:stream';

describe('escapeControls', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['\u001b]0;title\u0007', '\\e]0;title\\u0007'],
    ['\u009b31m', '\\u009b31m'],
    ['two\nlines\r\n\t', 'two\\nlines\\r\\n\\t'],
    ['\u202egnp.exe', '\\u202egnp.exe'],
    ['\u2028\u2066\u200f\u007f\u0000', '\\u2028\\u2066\\u200f\\u007f\\u0000'],
    ['half \ud800', 'half \\ud800'],
    ['größe 漢字 👩‍💻', 'größe 漢字 👩‍💻'],
  ];
  for (const [text, shown] of cases) {
    it(`shows ${JSON.stringify(text)} as ${shown}`, () => expect(escapeControls(text)).to.equal(shown));
  }
});

describe('displayWidth', () => {
  for (const [text, width] of [
    ['abc', 3],
    ['größe', 5],
    ['e\u0301', 1],
    ['漢字', 4],
    ['👩‍💻', 2],
    ['\u200b', 0],
    ['…', 1],
  ] as const) {
    it(`of ${JSON.stringify(text)} is ${width}`, () => expect(displayWidth(text)).to.equal(width));
  }

  it('is what truncating and padding go by', () => {
    expect(truncate('漢字漢字', 5)).to.equal('漢字…');
    expect(truncate('漢字', 4)).to.equal('漢字');
    expect(truncate('abc', 0)).to.equal('');
    expect(padTo('漢', 4, 'left')).to.equal('漢  ');
    expect(padTo('7', 3, 'right')).to.equal('  7');
  });
});

describe('renderTable', () => {
  const columns = [{ title: 'NAME' }, { title: 'SIZE', align: 'right' }, { title: 'NOTES' }] as const;

  it('aligns by display width, without space at the ends', () => {
    expect(
      renderTable(columns, [
        ['漢字', '5', 'x'],
        ['plain name', '12345', ''],
      ]),
    ).to.deep.equal(['NAME         SIZE  NOTES', '漢字            5  x', 'plain name  12345']);
  });

  it('cuts the widest columns where the width is bounded, and never those to keep', () => {
    const rows = [['a'.repeat(30), '1', 'b'.repeat(40)]];
    const cut = renderTable(columns, rows, { width: 40 });
    expect(cut.map(displayWidth)).to.satisfy((widths: number[]) => widths.every(width => width <= 40));
    expect(cut[1]).to.match(/^a+… +1 {2}b+…$/);
    const kept = renderTable([{ title: 'NAME', keep: true }, ...columns.slice(1)], rows, { width: 40 });
    expect(kept[1]).to.match(/^a{30} /);
  });

  it('escapes what is in cells and titles', () => {
    expect(renderTable([{ title: '\u001b[1m' }], [['\u0007']]).join()).to.equal('\\e[1m,\\u0007');
  });
});

describe('toJsonLine', () => {
  it('loses nothing that JSON numbers and texts would', () => {
    const value = {
      big: 2n ** 63n,
      bytes: new Uint8Array([0xff, 0]),
      id: Uuid.parse('6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44'),
      odd: [Number.NaN, -Infinity, null, true],
      map: new Map([['k', 1n]]),
    };
    expect(JSON.parse(toJsonLine(value))).to.deep.equal({
      big: '9223372036854775808',
      bytes: { base64: '/wA=' },
      id: '6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44',
      odd: ['NaN', '-Infinity', null, true],
      map: { k: '1' },
    });
  });

  it('keeps a key __proto__, and escapes controls without changing the meaning', () => {
    const value = JSON.parse('{"__proto__": {"x": "\\u009b31m\\u202e\\n"}}') as object;
    const line = toJsonLine(value);
    expect(line).to.equal('{"__proto__":{"x":"\\u009b31m\\u202e\\n"}}');
    expect(Object.getPrototypeOf(JSON.parse(line))).to.equal(Object.prototype);
  });
});

describe('showValue', () => {
  it('shows texts bare at the top and quoted inside', () => {
    expect(showValue('a b')).to.equal('a b');
    expect(showValue({ list: ['a', 1, null], bytes: new Uint8Array(3) })).to.equal(
      '{list: ["a", 1, null], bytes: <3 bytes>}',
    );
  });

  it("shows an object's address by its name", () => {
    expect(showValue({ _agent_name: 'v:p:i', _object_name: 'build_adaptor-1', _agent_epoch: 1 })).to.equal(
      'build_adaptor-1',
    );
  });
});

describe('times and progress', () => {
  it('are short and never wrong', () => {
    expect([0, 7_999, 760_000, 3_723_000].map(elapsedTime)).to.deep.equal([
      '0:00',
      '0:07',
      '12:40',
      '1:02:03',
    ]);
    expect(isoTime(0n)).to.equal(null);
    expect(isoTime(2n ** 64n - 1n)).to.equal('2554-07-21T23:34:33.709Z');
    expect(utcTime(1_795_929_011_123)).to.equal('2026-11-29T05:10:11.123Z');
    expect(utcTimeOfDay(1_795_929_011_123)).to.equal('05:10:11Z');
    expect([utcTime(Number.NaN), utcTimeOfDay(9e15)]).to.deep.equal(['no time', 'no time']);
    expect([-5, 0, 50, 100, 900].map(percent => barText(percent, 4))).to.deep.equal([
      '░░░░',
      '░░░░',
      '██░░',
      '████',
      '████',
    ]);
  });
});

describe('colours', () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  it('go to terminals, unless NO_COLOR is set', () => {
    expect(painterFor(terminal, {})('x', 'red')).to.equal('\u001b[31mx\u001b[0m');
    expect(painterFor(terminal, { NO_COLOR: '1' })('x', 'red')).to.equal('x');
    expect(painterFor(terminal, { TERM: 'dumb' })('x', 'red')).to.equal('x');
    expect(painterFor(new PassThrough(), {})('x', 'red')).to.equal('x');
  });
});
