import { expect } from 'chai';
import { describe, it } from 'mocha';
import { addressFromValue } from '../data/data-address.js';
import { QmfError } from '../errors.js';
import { agentInfoFromValue } from '../message/agent-info.js';
import { agentOf, opcodeOf } from '../message/headers.js';
import { methodRequestFromValue } from '../message/method.js';
import { schemaIdFromValue } from '../schema/wire.js';
import { boundedLog } from '../session/session-log.js';
import { shownText } from './text-limits.js';
import type { Value } from './value.js';

const map = (entries: Readonly<Record<string, Value>>): Map<string, Value> =>
  new Map(Object.entries(entries));
const text = (length: number): string => 'x'.repeat(length);

function outcome(read: () => unknown): string {
  try {
    read();
    return 'read';
  } catch (error) {
    return error instanceof QmfError ? error.code : String(error);
  }
}

describe("texts of a peer's choice", () => {
  const readers: readonly (readonly [string, number, (name: Value) => unknown])[] = [
    ['object names', 1023, name => addressFromValue(map({ _object_name: name }))],
    ['agent names', 255, name => addressFromValue(map({ _object_name: 'x', _agent_name: name }))],
    ['method names', 255, name => methodRequestFromValue(map({ _method_name: name }))],
    ['packages', 255, name => schemaIdFromValue(map({ _package_name: name }))],
    ['classes', 255, name => schemaIdFromValue(map({ _class_name: name }))],
    ['vendors', 255, name => agentInfoFromValue(map({ _vendor: name }))],
    ['products', 255, name => agentInfoFromValue(map({ _product: name }))],
    ['instances', 255, name => agentInfoFromValue(map({ _instance: name }))],
    ['keys of agents', 255, name => agentInfoFromValue(map({ _direct_subject: name }))],
  ];
  for (const [what, limit, read] of readers) {
    it(`are bounded where they are read: ${what}`, () => {
      for (const form of [(name: string): Value => name, (name: string): Value => Buffer.from(name)]) {
        expect(outcome(() => read(form(text(limit))))).to.equal('read');
        expect(outcome(() => read(form(text(limit + 1))))).to.equal('malformed_message');
        expect(outcome(() => read(form(text(60_000))))).to.equal('malformed_message');
      }
    });
  }

  it('name nothing in a header that is too long', () => {
    expect(opcodeOf(map({ 'qmf.opcode': text(256) }))).to.equal(undefined);
    expect(agentOf(map({ 'qmf.agent': Buffer.from(text(60_000)) }))).to.equal(undefined);
    expect(agentOf(map({ 'qmf.agent': text(255) }))).to.equal(text(255));
  });

  it('are cut and cannot begin another line where they are shown', () => {
    expect(shownText('plain text, ✓ too')).to.equal('plain text, ✓ too');
    expect(shownText('a\nb\r\u001b[31m\u2028\u202e\ud800')).to.equal(
      'a\\u000ab\\u000d\\u001b[31m\\u2028\\u202e\\ud800',
    );
    expect(shownText(text(121))).to.equal(`${text(120)}… (121 characters)`);
    const lines: string[] = [];
    const log = boundedLog({ debug: line => lines.push(line), warn: line => lines.push(line) });
    log.warn(`${text(60_000)}\nroot: answered`);
    log.debug('\n'.repeat(60_000));
    expect(lines.map(line => line.includes('\n') || line.length > 7_000)).to.deep.equal([false, false]);
  });
});
