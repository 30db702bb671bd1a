import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { ScriptedFactory } from '../testing/scripted-factory.test.fixture.js';
import type { ScriptedRecords } from '../testing/scripted-records.test.fixture.js';
import { jsonLines, run } from './bus.test.fixture.js';

const uuid = '6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44';
const other = '6d2b3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44';
const job = {
  ...{ id: uuid, kind: 'target', status: 'running', percent: 40, target: 'mock', activity: 'waits for disk' },
  ...{ created: '2026-12-01T00:00:00.000Z', modified: '2026-12-01T00:00:01.000Z' },
};

describe('the command line and the record of an agent', () => {
  let factory: ScriptedFactory;
  let records: ScriptedRecords;
  beforeEach(async () => {
    factory = await ScriptedFactory.start({ instance: 'one', records: true });
    if (factory.records === undefined) throw new Error('it was started with records');
    ({ records } = factory);
  });
  afterEach(() => factory.stop());

  const cli = (args: readonly string[], options: Parameters<typeof run>[1] = {}) =>
    run(['--broker', factory.broker.url, ...args], options);

  it('jobs asks with filters and order, reads all pages, and makes a table', async () => {
    const failed = { ...job, id: other, status: 'failed', error: { type: 'no_space', reason: 'it is full' } };
    records.jobs = [job, failed, { ...job, id: 'third', percent: 41 }];
    const filters = [
      '--where',
      'percent>=40',
      '--where',
      'percent<=41',
      '--where',
      'provider=',
      '--sort=-created',
    ];
    const { code, stdout } = await cli(['jobs', ...filters]);
    expect(code).to.equal(0);
    expect(stdout).to.equal(
      [
        'JOB                                   KIND    STATUS   PERCENT  TARGET  PROVIDER  CREATED                   ACTIVITY',
        `${uuid}  target  running  40%      mock    -         2026-12-01T00:00:00.000Z  waits for disk`,
        `${other}  target  failed   40%      mock    -         2026-12-01T00:00:00.000Z  no_space: it is full`,
        'third                                 target  running  41%      mock    -         2026-12-01T00:00:00.000Z  waits for disk',
        '',
      ].join('\n'),
    );
    expect(records.queries.map(({ inputs }) => inputs)).to.deep.equal(
      [{}, { after: '2' }].map(page => ({
        where: { percent: { '>=': '40', '<=': '41' }, provider: { '=': null } },
        ...{ sort: ['-created'], limit: 1_000, ...page },
      })),
    );
  });

  it('images prints JSON with all fields, and no more than were asked for', async () => {
    const image = { ...job, kind: 'provider', status: 'complete', identifier_on_provider: 'ami-1' };
    records.images = [image, { ...image, id: other }, image];
    const { code, stdout } = await cli(['images', '--json', '--limit', '2']);
    expect(code).to.equal(0);
    const lines = jsonLines(stdout);
    expect(lines.map(({ id }) => id)).to.deep.equal([uuid, other]);
    expect(lines[0]).to.include({ identifier_on_provider: 'ami-1', agent: factory.session.name });
  });

  it('says that nothing is there, and passes the refusal of a field on', async () => {
    const none = await cli(['jobs', '--where', 'status=running']);
    expect([none.code, none.stdout]).to.deep.equal([4, '']);
    expect(none.stderr).to.equal('no job is there for which that holds\n');
    const unknown = await cli(['jobs', '--where', 'colour=red']);
    expect(unknown.code).to.equal(1);
    expect(unknown.stderr).to.include('there is no field "colour"; there are id, status');
    for (const [args, text] of [
      [['--where', 'colour'], "'colour' is no condition; write FIELD"],
      [['--where', 'percent>1', '--where', 'percent>2'], 'percent has two conditions with >'],
      [['--limit', '0'], "--limit: '0' is no whole number from 1"],
    ] as const) {
      const { code, stderr } = await cli(['jobs', ...args]);
      expect(code).to.equal(2);
      expect(stderr).to.include(text);
    }
  });

  it('lists what several agents have, and names one that has no record', async () => {
    const plain = await ScriptedFactory.start({ broker: factory.broker, instance: 'two' });
    records.jobs = [job];
    const { code, stdout, stderr } = await cli(['jobs']);
    await plain.leave();
    expect(code).to.equal(4);
    expect(stdout).to.match(/AGENT\n.*waits for disk {2}one\n$/);
    expect(stderr).to.include(`${plain.session.name} has no records for consoles`);
  });

  it('watch shows the whole history of a build, which is named by the beginning of its uuid', async () => {
    const adaptor = factory.makeBuild('<template/>', `build_adaptor-${uuid}`);
    factory.makeBuild('<template/>', `build_adaptor-${other}`);
    await factory.status(adaptor, 'BUILDING');
    await factory.percent(adaptor, 30);
    adaptor.update({ finished_image: '/one' });
    await factory.status(adaptor, 'COMPLETED');
    const { code, stdout } = await cli(['watch', '6d2a', '--from-beginning']);
    expect([code, stdout]).to.deep.equal([0, 'NEW 0%\nBUILDING 0%\nBUILDING 30%\nCOMPLETED /one\n']);
    const json = jsonLines((await cli(['watch', '6d2a', '--from-beginning', '--json'])).stdout);
    expect(json.map(({ kind, sequence }) => [kind, sequence])).to.deep.equal([
      ...[
        ['status', 13],
        ['percent', 16],
        ['status', 19],
      ],
      ['end', undefined],
    ]);
    const ambiguous = await cli(['-t', '0.5', 'watch', '6d2']);
    expect(ambiguous.code, 'too short for the beginning of a uuid').to.equal(4);
    factory.makeBuild('<template/>', 'build_adaptor-6d2a0000-3c1c-4b7e-9a57-0d6c2f1b8a44');
    const several = await cli(['watch', '6d2a']);
    expect(several.code).to.equal(2);
    expect(several.stderr).to.include("2 builds begin with '6d2a'");
  });

  it('events --from shows the record, then live events', async () => {
    const adaptor = factory.makeBuild('<template/>', `build_adaptor-${uuid}`);
    await factory.status(adaptor, 'BUILDING');
    await factory.percent(adaptor, 30);
    let raised: Promise<void> | undefined;
    const { code, stdout } = await cli(['events', '--from', '14', '-n', '2'], {
      onOutput: () => void (raised ??= factory.failure(adaptor, 'no_space', 'it is full')),
    });
    await raised;
    expect(code).to.equal(0);
    expect(stdout).to.equal(
      [
        `2025-12-01T00:00:00.000Z 16 percent percent=30 of build_adaptor-${uuid}`,
        `2025-12-01T00:00:00.000Z 19 failure type=no_space info=it is full of build_adaptor-${uuid}`,
        '',
      ].join('\n'),
    );
    const [line] = jsonLines((await cli(['events', '--from', '1', '-n', '1', '--json'])).stdout);
    expect(line).to.deep.equal({
      ...{ time: '2025-12-01T00:00:00.000Z', sequence: 13, agent: factory.session.name },
      ...{ adaptor: `build_adaptor-${uuid}`, kind: 'status', status: 'BUILDING', old_status: 'NEW' },
    });
    const filtered = await cli(['events', '--from', '1', '--class', 'BuildFailedEvent']);
    expect(filtered.code).to.equal(2);
    expect(filtered.stderr).to.include('--from: it goes with no filter');
  });
});
