import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { caseNames, type Line, withoutSandbox } from './cases/index.js';
import { withFleet } from './fleet.js';
import { parseOptions } from './options.js';
import { formatTable } from './report.js';
import { median, percentile } from './statistics.js';

const main = fileURLToPath(new URL('./main.js', import.meta.url));

function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [main, ...args], { timeout: 300_000 });
}

describe('bench', () => {
  it('measures every case, with figures that can be', async () => {
    const { stdout } = await bench('--quick', '--rounds', '1', '--json');
    const { sections } = JSON.parse(stdout) as {
      readonly sections: readonly { readonly lines: readonly Line[] }[];
    };
    const lines = sections.flatMap(section => section.lines);
    const absent = (await withoutSandbox()) === undefined ? [] : ['sandbox'];
    expect([...new Set(lines.map(line => line.case))]).to.deep.equal(
      caseNames.filter(name => !absent.includes(name)),
    );
    for (const line of lines) {
      for (const figure of figuresOf(line))
        expect(figure, JSON.stringify(line)).to.be.above(0).and.below(Infinity);
    }
    const roles = lines.flatMap(line => (line.kind === 'memory' ? [line.role] : []));
    expect(roles).to.deep.equal([
      'agent that builds',
      'QMF agent',
      'QMF console',
      'broker',
      'bare sender',
      'bare receiver',
    ]);
    const table = formatTable(lines, 'bare rhea');
    for (const line of lines) expect(table).to.include(line.kind === 'memory' ? line.role : line.what);
  }).timeout(300_000);

  it('uses a broker that is there already, and prints the table', async () => {
    const broker = await startBroker();
    try {
      const { stdout } = await bench('--quick', '--rounds', '1', '--case', 'call-64', '--broker', broker.url);
      expect(stdout)
        .to.match(/method calls, 64 in flight +\d+\/s +\d+\/s +\d+\.\d\d +≥ 0\.9 × bare: (met|missed)/)
        .and.include(broker.url)
        .and.not.include('events to one console');
    } finally {
      await broker.stop();
    }
  }).timeout(300_000);

  it('gives bare rhea messages of the same size as those of QMF', async () => {
    const sizes = new Map<string, number>();
    const broker = await startBroker({
      faults: {
        publish: ({ subject, bytes }) => {
          sizes.set(kindOf(subject, bytes), bytes.length);
          return 'none';
        },
      },
    });
    try {
      await withFleet('1.0', broker.url, async ({ qmf, bare }) => {
        for (const { requester, responder } of [qmf, bare]) {
          await requester.ask('calls', { count: 1, inFlight: 1 });
          await requester.ask('queries', { count: 1 });
          await requester.ask('expectEvents', { count: 1 });
          await responder.ask('raise', { count: 1, window: 1 });
          await requester.ask('eventsReceived', {});
        }
      });
    } finally {
      await broker.stop();
    }
    for (const kind of [
      '_method_request',
      '_method_response',
      '_query_request',
      '_query_response',
      'event',
    ]) {
      const ours = sizes.get(`qmf ${kind}`) ?? Number.NaN;
      const theirs = sizes.get(`bare ${kind}`) ?? Number.NaN;
      expect(theirs / ours, `${kind}: ${ours} and ${theirs} bytes`).to.be.within(0.9, 1.1);
    }
  }).timeout(300_000);

  it('says what is wrong with its options', async () => {
    expect(() => parseOptions(['--case', 'calls'])).to.throw('there are call-1, call-64');
    expect(() => parseOptions(['--rounds', '0'])).to.throw('a number from 1');
    expect(() => parseOptions(['--protocol', '0-10'])).to.throw('there are 1.0, 0-9-1');
    expect(() => parseOptions(['--broker', 'me:secret@host']))
      .to.throw('--broker')
      .and.not.match(/secret/);
    const failure = await bench('--sideways').then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure)
      .to.include({ code: 1 })
      .and.have.property('stderr')
      .that.matches(/^bench: .*--sideways/);
  });

  it('takes medians and percentiles', () => {
    expect(median([3, 1, 2])).to.equal(2);
    expect(median([4, 1, 3, 2])).to.equal(2.5);
    expect(percentile([5, 1, 4, 2, 3], 0.5)).to.equal(3);
    expect(percentile([5, 1, 4, 2, 3], 0.99)).to.equal(5);
  });
});

function figuresOf(line: Line): readonly number[] {
  switch (line.kind) {
    case 'comparison':
      return [line.qmf, line.bare, line.ratio];
    case 'duration':
      return [line.median, line.longest];
    case 'memory':
      return [line.start, line.tenth, line.end];
  }
}

/** Side and kind of a message; the bare side has routing keys of its own. */
function kindOf(subject: string, bytes: Uint8Array): string {
  const side = subject.startsWith('bare') ? 'bare' : 'qmf';
  const opcode = /_(?:method|query)_(?:request|response)/.exec(Buffer.from(bytes).toString('latin1'))?.[0];
  return `${side} ${opcode ?? (subject.includes('.event.') ? 'event' : 'other')}`;
}
