import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { jsonLines, type Ran, run, type RunOptions, startTestBus, type TestBus } from './bus.test.fixture.js';

const controls = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/;

describe('imagefactory-console', () => {
  let bus: TestBus;
  const cli = (args: readonly string[], options?: RunOptions): Promise<Ran> =>
    run(['--broker', bus.broker.url, ...args], options);
  const files = {
    'ok.xml': '<template></template>',
    'fail.xml': '<template>FAIL</template>',
    'empty.xml': '',
    'creds.xml': 'hush',
  };

  before(async () => {
    bus = await startTestBus();
  });
  after(() => bus.close());

  describe('agents', () => {
    it('lists the agents that answer, and says how long it listened', async () => {
      const { code, stdout, stderr } = await cli(['agents', '--wait', '0.2']);
      expect(code).to.equal(0);
      expect(stdout.split('\n')[0]).to.match(/^NAME +EPOCH +INTERVAL +LAST SEEN$/);
      expect(stdout).to.match(/redhat\.com:imagefactory:one +1 +60 s +\d\d:\d\d:\d\dZ/);
      expect(stderr).to.match(/^2 agents at amqp:\S+, having listened for 0\.\d s\n$/);
    });

    it('gives them as JSON, and those that are named only', async () => {
      const { stdout } = await cli(['agents', '--json', '--agent', 'widgetd']);
      const agents = jsonLines(stdout);
      expect(agents).to.have.lengthOf(1);
      expect(agents[0]).to.include({ name: 'example.com:widgetd:w1', epoch: 1, heartbeat_interval: 60 });
    });

    it('ends with 4 when nobody fits', async () => {
      expect((await cli(['agents', '--wait', '0.1', '--agent', 'nobody'])).code).to.equal(4);
    });
  });

  describe('query', () => {
    it("takes the seed's query", async () => {
      const { code, stdout } = await cli([
        'query',
        "{class:ImageFactory, package:'com.redhat.imagefactory'}",
        '--json',
      ]);
      expect(code).to.equal(0);
      expect(jsonLines(stdout)[0]).to.include({
        agent: 'redhat.com:imagefactory:one',
        object: 'image_factory',
        package: 'com.redhat.imagefactory',
        class: 'ImageFactory',
      });
    });

    for (const text of ['Widget', 'widget', 'com.example.widgets:Widget', '{class:Widget}']) {
      it(`finds the objects of ${text}`, async () => {
        const { stdout } = await cli(['query', text, '--json']);
        expect(jsonLines(stdout).map(({ object }) => object)).to.deep.equal(['widget-left', 'widget-right']);
      });
    }

    it('finds one object by its name', async () => {
      const { stdout } = await cli(['query', 'widget-right', '--json']);
      expect(jsonLines(stdout).map(({ values }) => values)).to.deep.equal([{ name: 'right', serial: 2 }]);
    });

    it('takes a predicate beside that of the query', async () => {
      const { stdout } = await cli([
        'query',
        '{class:Widget, where:[gt, serial, [quote, 0]]}',
        '--where',
        '[lt, serial, [quote, 2]]',
        '--json',
      ]);
      expect(jsonLines(stdout).map(({ object }) => object)).to.deep.equal(['widget-left']);
    });

    it('shows a table of chosen properties', async () => {
      const { code, stdout, stderr } = await cli(['query', 'Widget', '--columns', 'serial,nothing']);
      expect(code).to.equal(0);
      expect(stderr).to.equal("no Widget has the property 'nothing'; there are name, serial\n");
      expect(stdout.split('\n').map(line => line.trimEnd())).to.deep.equal([
        'OBJECT        serial  nothing',
        'widget-left   1       -',
        'widget-right  2       -',
        '',
      ]);
    });

    it('ends with 4 and the classes there are when nothing has that name', async () => {
      const { code, stderr } = await cli(['query', 'Wodget']);
      expect(code).to.equal(4);
      expect(stderr).to.match(/^error: no class and no object 'Wodget' .*classes there are: .*Widget/);
    });

    it('ends with 4 and a remark when the class has no such object', async () => {
      expect(await cli(['query', 'Widget', '--where', '[eq, serial, [quote, 9]]'])).to.deep.equal({
        code: 4,
        stdout: '',
        stderr: 'no object of class Widget is there for which that holds\n',
      });
    });

    it('says that nobody has what a predicate looks at', async () => {
      const where = '[or, [eq, seriel, [quote, 1]], [exists, [unquote, name2]], [eq, name, left]]';
      const { code, stderr } = await cli(['query', 'widget', '--where', where]);
      expect(code).to.equal(4);
      expect(stderr.split('\n').slice(1)).to.deep.equal([
        "no widget has the property 'seriel' or 'name2' or 'left'; there are name, serial; a text to compare with is [quote, TEXT]",
        '',
      ]);
    });

    it('cuts no short value of a chosen property, and shows a text of several lines as it is', async () => {
      const { stdout: name } = await cli(['build', 'ok.xml', '--target', 'mock'], {
        files: { 'ok.xml': '<template>\n\t<name>two\u001b[31m</name>\n</template>\n' },
      });
      const table = await cli(['query', 'BuildAdaptor', '--columns', 'status,finished_image'], {
        terminal: 40,
      });
      expect(table.stdout).to.match(/build_adaptor-[0-9a-f-]{36}\S* +(NEW|BUILDING|COMPLETED) /);
      const { stdout } = await cli(['query', name.trim()]);
      expect(stdout).to.include(
        '\n  descriptor\n    <template>\n    \\t<name>two\\e[31m</name>\n    </template>\n',
      );
    });

    it('says where a predicate is wrong', async () => {
      const { code, stderr } = await cli(['query', 'Widget', '--where', '[eq, serial']);
      expect(code).to.equal(2);
      expect(stderr).to.match(/^error: At character 11: .*; a predicate is written like \[eq, status/);
    });
  });

  describe('schema', () => {
    it('lists classes', async () => {
      const { stdout } = await cli(['schema', '--json']);
      const classes = jsonLines(stdout).map(item => `${String(item['class'])} ${String(item['kind'])}`);
      expect(classes).to.include.members(['ImageFactory data', 'BuildFailedEvent event', 'Widget data']);
    });

    it('leaves out the agent when there is only one, and notes when there are none', async () => {
      expect((await cli(['schema', '--agent', 'widgetd'])).stdout).to.match(/^PACKAGE +CLASS +KIND\n/);
      expect((await cli(['schema', 'ImageFactory'])).stdout).not.to.include('NOTES');
    });

    it('shows methods with their arguments and directions', async () => {
      const { stdout } = await cli(['schema', 'ImageFactory']);
      expect(stdout).to.include(
        'build_image(descriptor STRING, target STRING, image_uuid STRING, sec_credentials STRING) -> build_adaptor MAP',
      );
      expect(stdout).to.match(/sec_credentials +STRING +in\n/);
      expect(stdout).to.match(/build_adaptor +MAP +out\n/);
      expect(stdout).to.include('hash 3a04ba9d-935b-bb6e-0c47-390b1c14b76f');
    });
  });

  describe('call', () => {
    it('types arguments by the schema, by position and by name', async () => {
      const args = ['true', '0x7fffffffff', '3', 'a=b', 'items=[1, two, 2.0]', 'table={"k": {"n": null}}'];
      const { code, stdout } = await cli(['call', 'widget-left', 'echo', ...args, '--json']);
      expect(code).to.equal(0);
      expect(jsonLines(stdout)[0]?.['outputs']).to.deep.equal({
        flag: true,
        number: 0x7f_ffff_ffff,
        ratio: 3,
        text: 'a=b',
        items: [1, 'two', 2],
        table: { k: { n: null } },
      });
    });

    it('reads an argument from a file and one from standard input', async () => {
      const args = ['false', '-1', '0.5', '@ok.xml', '-', '[]'];
      const { stdout } = await cli(['call', 'widget-left', 'echo', ...args, '--json'], {
        files,
        stdin: '{"from": "stdin"}\n',
      });
      expect(jsonLines(stdout)[0]?.['outputs']).to.deep.include({
        number: -1,
        text: '<template></template>',
        table: { from: 'stdin' },
      });
    });

    it('calls the only object of a class by the name of the class', async () => {
      const { code, stdout } = await cli([
        'call',
        'ImageFactory',
        'build_image',
        't',
        'mock',
        'null',
        'null',
        '--json',
      ]);
      expect(code).to.equal(0);
      expect(stdout).to.include('build_adaptor-');
    });

    it('names the objects when there are several', async () => {
      const { code, stderr } = await cli(['call', 'Widget', 'ring']);
      expect(code).to.equal(2);
      expect(stderr).to.include("'Widget' is 2 objects: widget-left, widget-right; name one of them");
    });

    const wrong: readonly (readonly [string, readonly string[], number, RegExp])[] = [
      [
        'missing arguments',
        ['image_factory', 'build_image', 'x'],
        2,
        /build_image\(descriptor .*missing: target, image_uuid/,
      ],
      ['too many', ['widget-left', 'ring', 'x'], 2, /ring\(\): 1 arguments were given, 0 are expected/],
      [
        'a wrong type',
        ['widget-left', 'echo', 'maybe', '1', '1', 'x', '{}', '[]'],
        2,
        /argument flag \(BOOL\): 'maybe' .* true or false/,
      ],
      [
        'an unknown method',
        ['widget-left', 'jump'],
        4,
        /Widget has no method 'jump'; it has echo, fail, ring/,
      ],
      ['an unknown object', ['widget-up', 'ring'], 4, /no object .*'widget-up'/],
      [
        'a missing file',
        ['image_factory', 'build_image', '@nope', 'x', 'x', 'x'],
        2,
        /argument descriptor: nope cannot be read/,
      ],
      ["an agent's exception", ['widget-left', 'fail'], 1, /answered with an exception: no way/],
    ];
    for (const [what, args, code, message] of wrong) {
      it(`tells ${what} in one line`, async () => {
        const result = await cli(['call', ...args], { files });
        expect(result.code).to.equal(code);
        expect(result.stdout).to.equal('');
        expect(result.stderr).to.match(message);
        expect(result.stderr.trimEnd().split('\n')).to.have.lengthOf(1);
      });
    }
  });

  describe('build and watch', () => {
    it("prints the adaptor's name", async () => {
      const { code, stdout } = await cli(['build', 'ok.xml', '--target', 'mock'], { files });
      expect(code).to.equal(0);
      expect(stdout).to.match(/^build_adaptor-[0-9a-f-]{36}\n$/);
    });

    it('reads a template and an argument that an editor has put a byte order mark before, and no Latin-1', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'console-files-'));
      const [marked, latin] = [join(folder, 'marked'), join(folder, 'latin')];
      await writeFile(marked, '\uFEFF{"a": [1]}');
      await writeFile(latin, Buffer.from('gr\u00fcn', 'latin1'));
      const call = [
        'call',
        'widget-left',
        'echo',
        'true',
        '1',
        '2',
        `@${marked}`,
        `@${marked}`,
        '[]',
        '--json',
      ];
      expect(jsonLines((await cli(call)).stdout)[0]?.['outputs']).to.deep.include({
        text: '{"a": [1]}',
        table: { a: [1] },
      });
      expect((await cli(['build', marked, '--target', 'mock'])).code).to.equal(0);
      for (const args of [
        ['build', latin, '--target', 'mock'],
        ['build', marked, '--target', 'mock', '--credentials', latin],
        ['call', 'image_factory', 'build_image', 't', 'mock', 'null', `sec_credentials=@${latin}`],
        ['build', '/dev/zero', '--target', 'mock'],
      ]) {
        const { code, stderr } = await cli(args);
        expect(code).to.equal(2);
        expect(stderr).to.match(
          /latin is no UTF-8 text from byte offset 2 on|\/dev\/zero cannot be read: it is a device/,
        );
      }
      await rm(folder, { recursive: true });
    });

    it('lets the agent find a template by URL or uuid', async () => {
      for (const template of ['https://h.example.org/t.tdl', '0b3f0c3e-1111-4222-8333-444455556666']) {
        const { stdout } = await cli(['build', template, '--target', 'mock', '--json']);
        const adaptor = await cli(['query', String(jsonLines(stdout)[0]?.['adaptor']), '--json']);
        expect(jsonLines(adaptor.stdout)[0]?.['values']).to.include({ descriptor: template });
      }
    });

    const releaseAt = (mark: string) => (text: string) => {
      if (text.includes(mark)) bus.release();
    };

    it('follows a build to its end', async () => {
      const { code, stdout } = await cli(['build', 'ok.xml', '--target', 'hold', '--watch'], {
        files,
        onOutput: releaseAt('BUILDING 50%'),
      });
      expect(code).to.equal(0);
      const lines = stdout.trimEnd().split('\n');
      expect(lines[0]).to.match(/^build_adaptor-/);
      expect(lines.slice(-3)).to.deep.equal([
        ...['BUILDING 50%', 'BUILDING 75%'],
        'COMPLETED /var/lib/image.qcow2',
      ]);
    });

    it('draws a bar on a terminal, and leaves only the end', async () => {
      const { stdout } = await cli(['build', 'ok.xml', '--target', 'hold', '--watch'], {
        files,
        terminal: 80,
        onOutput: releaseAt('50%'),
      });
      expect(stdout).to.match(/BUILDING.*█+░+.* 50% {2}0:0\d/);
      const last = stdout.trimEnd().split('\n').at(-1) ?? '';
      expect(last.slice(last.lastIndexOf('\u001b[K') + 3)).to.equal(
        '\u001b[32mCOMPLETED\u001b[0m /var/lib/image.qcow2',
      );
    });

    it('ends with 1 and the reason when the build fails', async () => {
      const { code, stdout } = await cli(['build', '-', '--target', 'mock', '--watch', '--json'], {
        stdin: files['fail.xml'],
      });
      expect(code).to.equal(1);
      const end = jsonLines(stdout).at(-1);
      expect(end).to.include({ kind: 'end', status: 'FAILED', type: 'wanted' });
      expect(end?.['info']).to.match(/^Failure encountered while: testing: /);
    });

    it('passes credentials on and never shows them', async () => {
      const built = await cli(
        ['build', 'ok.xml', '--target', 'mock', '--credentials', 'creds.xml', '--watch', '--json'],
        {
          files,
        },
      );
      expect(built.code).to.equal(0);
      expect(built.stdout + built.stderr).not.to.include('hush');
      const name = String(jsonLines(built.stdout)[0]?.['adaptor']);
      const { stdout } = await cli(['query', name, '--json']);
      expect(jsonLines(stdout)[0]?.['values']).to.include({ target: 'mock with credentials' });
    });

    it("tells the agent's refusal", async () => {
      const { code, stderr } = await cli(['build', 'empty.xml', '--target', 'mock', '--json'], { files });
      expect(code).to.equal(1);
      expect(jsonLines(stderr)[0]?.['error']).to.include({ code: 'agent_exception', exitCode: 1 });
      expect(stderr).to.include('descriptor: it is empty');
    });

    it('catches up with a build that somebody started, then follows it', async () => {
      const { stdout: name } = await cli(['build', 'ok.xml', '--target', 'hold'], { files });
      const { code, stdout } = await cli(['watch', name.trim()], {
        onOutput: releaseAt('BUILDING 50%'),
      });
      expect(code).to.equal(0);
      expect(stdout.trimEnd().split('\n').at(-1)).to.equal('COMPLETED /var/lib/image.qcow2');
    });

    it('tells the end of a build that is over', async () => {
      const { stdout } = await cli(['build', 'ok.xml', '--target', 'mock', '--watch'], { files });
      const name = (stdout.split('\n')[0] ?? '').replace('build_adaptor-', '');
      const watched = await cli(['watch', name]);
      expect(watched).to.include({ code: 0, stdout: 'COMPLETED /var/lib/image.qcow2\n' });
    });

    it('says how to come back when it is interrupted', async () => {
      const stop = new AbortController();
      const { code, stderr } = await cli(['build', 'ok.xml', '--target', 'hold', '--watch'], {
        files,
        signal: stop.signal,
        onOutput: text => {
          if (text.includes('BUILDING 50%')) stop.abort();
        },
      });
      bus.release();
      expect(code).to.equal(130);
      expect(stderr).to.match(/^the build goes on; see it again with: watch build_adaptor-\S+\n$/);
    });

    it('goes on when the bus was away for a while', async () => {
      let dropped = false;
      const { code, stdout, stderr } = await cli(['build', 'ok.xml', '--target', 'hold', '--watch'], {
        files,
        onOutput: text => {
          if (dropped || !text.includes('BUILDING 50%')) return;
          dropped = true;
          bus.broker.dropConnections();
          bus.release();
        },
      });
      expect(code).to.equal(0);
      expect(stdout.trimEnd().split('\n').at(-1)).to.equal('COMPLETED /var/lib/image.qcow2');
      expect(stderr.match(/the bus is away/g)).to.have.lengthOf(1);
    });

    it('names a build that nobody knows', async () => {
      const { code, stderr } = await cli(['watch', 'nope']);
      expect(code).to.equal(4);
      expect(stderr).to.match(/no agent knows a build 'nope' .*see those that are known with: query/);
    });
  });

  describe('events', () => {
    /** Rings until events come: the first one may be raised before anybody listens. */
    async function eventsWhileRinging(args: readonly string[]): Promise<Ran> {
      const listening = { ended: false };
      const events = cli(['events', ...args]).finally(() => {
        listening.ended = true;
      });
      while (!listening.ended) await cli(['call', 'widget-left', 'ring']);
      return events;
    }

    it('shows events as JSON', async () => {
      const { code, stdout } = await eventsWhileRinging(['--json', '--count', '1', '--class', 'RingEvent']);
      expect(code).to.equal(0);
      expect(jsonLines(stdout)[0]).to.include({
        agent: 'example.com:widgetd:w1',
        package: 'com.example.widgets',
        class: 'RingEvent',
        severity: 'warn',
      });
    });

    it('shows them to people, one line each', async () => {
      const { stdout } = await eventsWhileRinging([
        '-n',
        '2',
        '--min-severity',
        'warn',
        '--agent',
        'widgetd',
      ]);
      const lines = stdout.trimEnd().split('\n');
      expect(lines).to.have.lengthOf(2);
      expect(lines[0]).to.match(
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warn {2}RingEvent text=\\e\]0;owned/,
      );
    });

    it('says of a class that nobody knows which there are, and listens all the same', async () => {
      const stop = new AbortController();
      const { code, stdout, stderr } = await cli(['events', '--class', 'RingEvnt', '--agent', 'widgetd'], {
        signal: stop.signal,
        onNotes: text => {
          if (text.includes('RingEvent')) stop.abort();
        },
      });
      expect(code).to.equal(130);
      expect(stdout).to.equal('');
      expect(stderr).to.match(
        /no agent that is here raises events of the class RingEvnt; there are RingEvent\./,
      );
    });

    it('says when a class is one of objects', async () => {
      const stop = new AbortController();
      const { stderr } = await cli(['events', '--class', 'Widget', '--agent', 'widgetd'], {
        signal: stop.signal,
        onNotes: text => {
          if (text.includes('RingEvent')) stop.abort();
        },
      });
      expect(stderr).to.include('of the class Widget, which is one of objects;');
    });

    it('knows only the severities there are', async () => {
      const { code, stderr } = await cli(['events', '--min-severity', 'loud']);
      expect(code).to.equal(2);
      expect(stderr).to.include('emerg, alert, crit, error, warn, note, info, debug');
    });
  });

  describe('a hostile agent', () => {
    for (const args of [
      ['query', 'Widget'],
      ['query', 'Widget', '--json'],
      ['query', 'Widget', '--columns', 'name'],
      ['call', 'widget-left', 'fail'],
      ['call', 'widget-left', 'fail', '--json'],
    ]) {
      it(`writes no control characters by way of: ${args.join(' ')}`, async () => {
        const { stdout, stderr } = await cli(args);
        expect(stdout + stderr).to.match(/owned/);
        expect(stdout + stderr).not.to.match(controls);
      });
    }
  });

  describe('repl from a pipe', () => {
    it('runs the lines one after the other, and gives the code of the first that failed', async () => {
      const script = [
        '# a comment',
        'use widgetd',
        'query Widget --where [eq, serial, [quote, 2]] --json',
        'call widget-left nothing',
        'bogus',
        'call widget-left echo true 1 2 "two words" {a: [1, 2]} []',
        'help watch',
        'quit',
        'agents',
      ].join('\n');
      const { code, stdout, stderr } = await cli(['repl'], { stdin: script });
      expect(code).to.equal(4);
      expect(stdout)
        .to.include('"object":"widget-right"')
        .and.to.match(/text +two words\n/);
      expect(stdout).to.match(/table +\{a: \[1, 2\]\}\n/);
      expect(stdout).to.include('Usage: watch [options] <build>');
      expect(stdout).not.to.include('EPOCH');
      expect(stderr).to.include("no method 'nothing'").and.to.include("unknown command 'bogus'");
    });

    for (const [line, code, complaint] of [
      ['use odd.com -t 0.2', 4, /no agent that is called 'odd\.com' answered .*\n.*the script ends here/],
      ['use --timeout x widgetd', 2, /--timeout: 'x' is no number/],
      ['usee widgetd', 2, /unknown command 'usee'/],
      ["use 'widgetd", 2, /the line ends before the '/],
      ['use widgetd more', 2, /too many arguments/],
    ] as const) {
      it(`ends at a line that chooses no agent: ${line}`, async () => {
        const ran = await cli(['repl'], { stdin: `${line}\nquery Widget --json\n` });
        expect(ran.stderr).to.match(complaint);
        expect({ code: ran.code, stdout: ran.stdout }).to.deep.equal({ code, stdout: '' });
      });
    }

    it('waits in use for an agent that is there', async () => {
      const { code, stdout, stderr } = await cli(['repl'], { stdin: 'use widgetd\nquery Widget --json\n' });
      expect(stderr).to.match(/^commands go to example\.com:widgetd:w1\n$/);
      expect(jsonLines(stdout).map(({ agent }) => agent)).to.deep.equal(
        Array(2).fill('example.com:widgetd:w1'),
      );
      expect(code).to.equal(0);
    });

    it('ends well with the input', async () => {
      expect((await cli(['repl'], { stdin: 'query Widget' })).code).to.equal(0);
    });

    it('shows events while other commands run', async () => {
      let building: Promise<Ran> | undefined;
      const { stdout } = await cli(['repl'], {
        stdin:
          'events on --class RingEvent\ncall widget-left ring\nevents -n 1 --class BuildAdaptorStatusEvent\n',
        onOutput: text => {
          if (text.includes('RingEvent'))
            building ??= cli(['build', 'ok.xml', '--target', 'mock'], { files });
        },
      });
      await building;
      expect(stdout).to.match(/ RingEvent text=.*\n[^]* BuildAdaptorStatusEvent /);
    });
  });
});

describe('imagefactory-console with several factories', () => {
  let bus: TestBus;
  before(async () => {
    bus = await startTestBus(['one', 'two']);
  });
  after(() => bus.close());

  it('does not guess', async () => {
    const args = ['-b', bus.broker.url, 'build', 'ok.xml', '--target', 'mock'];
    const files = { 'ok.xml': '<template></template>' };
    const { code, stderr } = await run(args, { files });
    expect(code).to.equal(2);
    expect(stderr).to.include(
      'redhat.com:imagefactory:one, redhat.com:imagefactory:two; choose one with --agent',
    );
    expect((await run([...args, '--agent', 'two'], { files })).code).to.equal(0);
  });

  it('asks them all', async () => {
    const { stdout } = await run(['-b', bus.broker.url, 'query', 'ImageFactory', '--json']);
    expect(jsonLines(stdout).map(({ agent }) => agent)).to.have.members([
      'redhat.com:imagefactory:one',
      'redhat.com:imagefactory:two',
    ]);
  });
});

describe('imagefactory-console without a bus', () => {
  const nowhere = ['--broker', '127.0.0.1:1'];

  it('ends with 3 and a remedy', async () => {
    const { code, stderr } = await run([...nowhere, 'agents']);
    expect(code).to.equal(3);
    expect(stderr).to.match(
      /^error: amqp:\/\/127\.0\.0\.1:1 cannot be reached: .*; check that the broker runs/,
    );
  });

  it('ends with 3 and the reason when the bus goes away before an agent has answered', async () => {
    // Before that the connection is not open yet, and is told as one that did not come about.
    const search = { isAsked: false };
    const broker = await startBroker({
      faults: {
        publish: ({ subject }) => {
          search.isAsked ||= subject === 'console.request.agent_locate';
          return 'none';
        },
      },
    });
    const listing = run(['--broker', broker.url, 'agents', '--wait', '0.5']);
    while (!search.isAsked) await new Promise(resolve => setTimeout(resolve, 5));
    await broker.stop();
    const { code, stderr } = await listing;
    expect(code).to.equal(3);
    expect(stderr).to.match(
      /^error: no agent answered before the bus went away: .*127\.0\.0\.1:\d+ .*; the bus went away/,
    );
  });

  it('takes the broker from the environment', async () => {
    const { stderr } = await run(['agents'], {
      env: { IMAGEFACTORY_BROKER: 'amqp://user:hush@127.0.0.1:2' },
    });
    expect(stderr).to.include('amqp://127.0.0.1:2').and.not.to.include('hush');
  });

  it('never shows a password that has to be percent-encoded', async () => {
    const { code, stderr } = await run(['agents'], {
      env: { IMAGEFACTORY_BROKER: 'amqp://user:2024/hush@127.0.0.1:2' },
    });
    expect(code).to.equal(2);
    expect(stderr).to.include('%2F').and.not.to.include('hush');
  });

  it('tries several brokers in their order', async () => {
    const { stderr } = await run(['-b', '127.0.0.1:1,127.0.0.1:2', '--broker', '127.0.0.1:3', 'agents']);
    expect(stderr).to.include('127.0.0.1:3');
    const bus = await startTestBus();
    const { code } = await run(['-b', `127.0.0.1:1,${bus.broker.url}`, 'query', 'ImageFactory']);
    expect(code).to.equal(0);
    await bus.close();
  });

  it('tells errors as JSON where JSON is wanted', async () => {
    const { stderr } = await run([...nowhere, 'agents', '--json']);
    expect(jsonLines(stderr)[0]?.['error']).to.include({ code: 'unreachable', exitCode: 3 });
  });

  for (const [args, message] of [
    [[], /a command is wanted; see what there is with --help/],
    [['bogus'], /unknown command 'bogus'/],
    [['build', 'x'], /required option '--target <name>' not specified/],
    [['build', 'x', '--taget', 'mock'], /unknown option '--taget'; Did you mean --target\?/],
    [
      ['push', 'x', '--provider', 'y', '--credential', 'z'],
      /unknown option '--credential'; Did you mean --credentials\?/,
    ],
    [['push', 'x', '--provider', 'y'], /required option '--credentials <file>' not specified/],
    [['import', 'x', '--target', 'y'], /required option '--provider <name>' not specified/],
    [
      ['build', 'nope.xml', '--target', 'mock'],
      /error: template: nope.xml cannot be read: there is no such file/,
    ],
    [['agents', '--timeout', 'soon'], /--timeout: 'soon' is no number of seconds above 0/],
    [['agents', '--body-form', 'odd'], /--body-form: 'odd' is not known; write 'value' or 'data'/],
    [['agents', '--broker', 'http://x'], /the scheme 'http' is not known/],
    [['agents', '--broker', 'a', '-b', 'b,amqp://u:hush,hush@h'], /broker '\*\*\*@h': .*%2C/],
    [['agents', '--broker', 'amqp://user:2024/hush@h'], /broker 'amqp:\/\/\*\*\*@h': .*written %2F/],
    [['agents', '-b', 'wss://user:2024/hush@h'], /broker 'wss:\/\/\*\*\*@h': the scheme 'wss'/],
    [['amqp://user:2024/hush@h', 'agents'], /unknown command 'amqp:\/\/\*\*\*@h'/],
    [['agents', 'amqp://user:2024/hush@h', '--json'], /too many arguments/],
    [
      ['--dialect', 'odd', 'agents'],
      /Allowed choices are qpidd, broker-j, rabbitmq3, rabbitmq4, artemis, embedded/,
    ],
    [['agents', '--protocol', '2'], /Allowed choices are 1\.0, 0-9-1/],
    [['agents', '--sasl', 'odd'], /Allowed choices are anonymous, plain, external, scram-sha-1/],
    [['agents', '--ca', 'ca.pem'], /options for TLS were given, but amqp:\/\/localhost:5672 is without/],
    [
      ['agents', '--broker', 'amqps://127.0.0.1:1', '--ca', '/nowhere/ca.pem'],
      /TLS CA file \/nowhere\/ca\.pem cannot be read: there is no such file/,
    ],
    [['events', 'on'], /too many arguments/],
  ] as const) {
    it(`takes '${args.join(' ')}' for wrong use`, async () => {
      const { code, stdout, stderr } = await run(args);
      expect(code).to.equal(2);
      expect(stdout).to.equal('');
      expect(stderr).to.match(message).and.not.to.include('hush');
    });
  }

  const commands = ['agents', 'query', 'schema', 'call', 'build', 'push', 'import', 'watch', 'log', 'abort'];
  for (const command of ['', ...commands, 'events', 'repl']) {
    it(`has help with examples: ${command} --help`, async () => {
      const { code, stdout } = await run([...(command === '' ? [] : [command]), '--help']);
      expect(code).to.equal(0);
      expect(stdout).to.match(new RegExp(`Usage: imagefactory-console ${command}`));
      expect(stdout).to.match(/Examples:\n {2}imagefactory-console /);
      expect(stdout).to.match(
        command === '' ? /--broker <address>/ : /--broker.*see imagefactory-console --help/,
      );
    });
  }

  it('documents the exit codes', async () => {
    const { stdout } = await run(['--help']);
    for (const code of [0, 1, 2, 3, 4, 130]) expect(stdout).to.match(new RegExp(`^ {2}${code} +\\S`, 'm'));
  });
});
