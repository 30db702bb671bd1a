import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { rejection } from '@imagefactory/factory/testing';
import { applyConfigFile } from './config-file.js';
import { buildProgram, type DaemonFlags } from './program.js';

describe('the configuration file', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'config-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** The options that come of a command line and a file. */
  async function read(
    args: readonly string[],
    config: unknown,
  ): Promise<{ flags: DaemonFlags; odd: readonly string[] }> {
    const path = join(directory, 'imagefactory.conf');
    const isText = typeof config === 'string' || Buffer.isBuffer(config);
    await writeFile(path, isText ? config : JSON.stringify(config));
    const nothing = (): Promise<void> => Promise.resolve();
    let flags: DaemonFlags | undefined;
    let odd: readonly string[] = [];
    const program = buildProgram({
      doctor: nothing,
      validateTemplates: nothing,
      showTemplate: nothing,
      listImages: nothing,
      showImage: nothing,
      deleteImages: nothing,
      listWaiting: nothing,
      verifyImages: nothing,
      checkStore: nothing,
      rebuildStore: nothing,
      backUpStore: nothing,
      restoreStore: nothing,
      daemon: async () => {
        odd = await applyConfigFile(program, path);
        flags = program.opts<DaemonFlags>();
      },
    });
    await program.parseAsync([...args], { from: 'user' });
    if (flags === undefined) throw new Error('the daemon was not called');
    return { flags, odd };
  }

  it('has limits by resource, as the factory always had them', async () => {
    const { flags, odd } = await read(['--max-concurrent-at', 'rhevm=7'], {
      max_concurrent_local_sessions: 3,
      max_concurrent_ec2_sessions: 4,
      max_concurrent_rhevm_sessions: 5,
    });
    expect(flags).to.deep.include({ maxConcurrent: 3, maxConcurrentAt: { ec2: 4, rhevm: 7 } });
    expect(odd).to.deep.equal([]);
  });

  it('may begin with a byte order mark', async () => {
    expect((await read([], '\uFEFF{"timeout": 7}')).flags.timeout).to.equal(7);
  });

  it('has options by their names, and the command line goes before it', async () => {
    const { flags } = await read(['--timeout', '60', '--max-concurrent', '9'], {
      timeout: 1800,
      tmpdir: '/var/tmp/x',
      'tool-silence': 60,
      keep_finished: '100',
      debug: 1,
      verbose: 0,
      'no-cache': true,
      broker: ['amqp://one', 'amqp://two'],
      max_concurrent_local_sessions: 3,
    });
    expect(flags).to.deep.include({
      timeout: 60,
      tmpdir: '/var/tmp/x',
      toolSilence: 60,
      keepFinished: 100,
      debug: true,
      cache: false,
      broker: ['amqp://one', 'amqp://two'],
      maxConcurrent: 9,
    });
    expect(flags.verbose).to.equal(undefined);
  });

  it('has the key and the secret of the warehouse, which the command line has not, and says who can read them', async () => {
    const { flags, odd } = await read([], { warehouse_key: 'k', 'warehouse-secret': 's3cret' });
    expect(flags).to.deep.include({ warehouseKey: 'k', warehouseSecret: 's3cret' });
    expect(odd).to.have.lengthOf(1);
    expect(odd[0]).to.include('can read warehouse-secret; chmod o-r').and.not.include('s3cret');
    const wrong = await rejection(read([], { warehouse_secret: ['s3cret'] }));
    expect(wrong.message).to.include('warehouse_secret is to be a text').and.not.include('s3cret');
  });

  it('may have what is no option here; that is said', async () => {
    const { odd } = await read([], { rest: true, config: '/x' });
    expect(odd.map(line => line.replace(directory, ''))).to.deep.equal([
      '/imagefactory.conf: rest is no option of this agent; it is left out',
      '/imagefactory.conf: config is no option of this agent; it is left out',
    ]);
  });

  for (const [config, complaint] of [
    ['{', /is no JSON: line 1, column 2/],
    ['{"broker": amqp://u:hush@h}', /is no JSON: line 1, column 12: a value is expected$/],
    ['{"timeout": 1, "timeout": 2}', /the key "timeout" comes twice/],
    [Buffer.from('\uFEFF{}', 'utf16le'), /imagefactory\.conf is UTF-16; save it as UTF-8/],
    [Buffer.from('{"tmpdir": "gr\u00fcn"}', 'latin1'), /is no UTF-8 text from byte offset 14 on/],
    [[], /is to hold one JSON object/],
    [{ timeout: 0 }, /timeout is wrong: Give a whole number from 1/],
    [{ debug: 'yes' }, /debug is to be true or false/],
    [{ 'body-form': 'x' }, /body-form is to be one of value, data, auto/],
    [{ imgdir: {} }, /imgdir is to be a text or a number/],
    [{ imgdir: ['/a', '/b'] }, /imgdir is to be one value, not a list/],
    [{ timeout: [] }, /timeout is to be one value, not a list/],
    [{ broker: [] }, /broker is an empty list; leave it out/],
    [
      { max_concurrent_local_sessions: 0 },
      /max_concurrent_local_sessions is to be a whole number from 1 to 1000/,
    ],
  ] as const) {
    it(`is refused: ${JSON.stringify(config)}`, async () => {
      expect((await rejection(read([], config))).message).to.match(complaint);
    });
  }

  it('must be there when it is named', async () => {
    const program = buildProgram({} as never);
    expect((await rejection(applyConfigFile(program, '/no/such/file'))).message).to.include(
      '--config /no/such/file cannot be read: there is no such file',
    );
  });
});
