import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { startTestBus, type TestBus } from '../bus.test.fixture.js';
import { type Person, startTerminal } from './terminal.test.fixture.js';

const up = '\u001b[A';
const clearLine = '\u0005\u0015';

describe('the history of the REPL on a terminal', () => {
  let bus: TestBus;
  let folder: string;
  let person: Person;
  before(async () => {
    bus = await startTestBus();
  });
  after(() => bus.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'console-recall-'));
    person = await startTerminal(bus.broker.url, { XDG_STATE_HOME: folder });
  });
  afterEach(async () => {
    await person.leave();
    await rm(folder, { recursive: true });
  });

  /** The file after it has what is entered last, which is kept. */
  async function kept(): Promise<readonly string[]> {
    const last = 'query Widget --columns serial';
    await person.enter(last);
    for (;;) {
      const text = await readFile(join(folder, 'imagefactory', 'console_history'), 'utf8').catch(() => '');
      if (text.endsWith(`${last}\n`)) return text.split('\n').slice(0, -2);
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  }

  const factory = 'redhat.com:imagefactory';
  const secrets: readonly string[] = [
    'call image_factory build_image t mock null hunter2',
    `call -a ${factory} image_factory build_image t mock null hunter2`,
    'call -aredhat.com image_factory build_image t mock null hunter2',
    `call --agent=${factory} image_factory build_image t mock null hunter2`,
    '--json call image_factory build_image t mock null hunter2',
    '-t 5 call image_factory build_image t mock null hunter2',
    '-jt5 call image_factory build_image t mock null hunter2',
    'call -- image_factory build_image t mock null hunter2',
    "call 'image_factory' \"build_image\" t mock null 'hunter2'",
    'call ImageFactory build\\_image t mock null hunter2',
    'call image_factory build_image t mock null @@hunter2',
    'call image_factory build_image t mock sec_credentials=hunter2 image_uuid=null',
    "call image_factory build_image t mock 'sec_credentials=hunter2' image_uuid=null",
    'call image_factory build_image <template><os><rootpw>hunter2</rootpw></os></template> mock null null',
    'call image_factory push_image i b ["mock-one"] hunter2',
    'call image_factory provider_image i mock-one hunter2',
    'call widget-left echo true 1 2 amqp://me:hunter2@host {} []',
    'call widget-left echo true 1 2 amqp://me:hun/ter2@host {} []',
    'call widget-left echo true 1 2 https://host/t.xml?sig=hunter2 {} []',
    'call widget-left echo true 1 2 password=hunter2 {} []',
    'call widget-left echo true 1 2 x {password: hunter2} []',
    'call widget-left echo true 1 2 x {"a": {"api_key": "hunter2"}} []',
    'call widget-left echo true 1 2 x {"pass\\u0077ord": "hunter2"} []',
    'call widget-left echo true 1 2 x {} ["\\u003crootpw>hunter2</rootpw>"]',
    'call widget-left echo true 1 2 "user=me, password = hunter2" {} []',
    "call widget-left echo true 1 2 'Authorization: Bearer hunter2' {} []",
    'call widget-left echo true 1 2 text=rootpw:hunter2 {} []',
    'call widget-left echo true 1 2 https://host/t.xml#hunter2 {} []',
    'call widget-left echo true 1 2 https://hunter2@host/t.xml {} []',
    // The method stays unknown, so its arguments may be anything.
    'call -t 0.2 widget-left jump hunter2',
    'call -t 0.2 nothing log_in me hunter2',
    'call -a nobody -t 0.2 image_factory build_image t mock null hunter2',
    // Wrong use: which of the words is a secret is not known.
    'call image_factory build_image t mock null hunter2 more',
    'call image_factory build_image t mock @hunter2 null',
    "call image_factory build_image t mock null 'hunter2",
    'call --no-such image_factory build_image t mock null hunter2',
    'cal image_factory build_image t mock null hunter2',
    'hunter2',
    'set password=hunter2',
    'help hunter2',
    'exit hunter2',
    'events hunter2',
    'agents password=hunter2',
    'IMAGEFACTORY_PASSWORD=hunter2 agents',
    'call image_factory build_image t mock null hunter2 \\',
    'calls image_factory build_image t mock null hunter2',
    '"call" image_factory build_image t mock null hunter2',
    'ca""ll image_factory build_image t mock null hunter2',
    'call image_factory build_image t mock null ""hunter2',
    'call image_factory build_image t mock null -- hunter2',
    'call image_factory -- build_image t mock null hunter2',
    'call image_factory build_image -a redhat t mock null hunter2',
    'call image_factory build_image t mock null\thunter2',
    'call ImageFactory build_image t mock null NULLhunter2',
    '# call image_factory build_image t mock null hunter2',
    '--broker amqp://user:hunter2@host agents',
    '--password hunter2 agents',
    'build t.xml --target mock --credentials hunter2',
    'push 6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44 --provider {"password":"hunter2"} --credentials c.xml',
    'query Widget --where [eq, password, [quote, hunter2]]',
    'query {class:Widget, where:[eq, token, [quote, hunter2]]}',
    'build https://me:hunter2@host/t.xml --target mock',
    'use hunter2:pass@host -t 0.2',
    ' agents hunter2',
  ];
  it('keeps no line with a secret, however it is written', async () => {
    for (const line of secrets) {
      await person.enter(line);
      expect(await kept(), line).to.satisfy((lines: readonly string[]) =>
        lines.every(one => !one.includes('hunter2')),
      );
    }
  });

  it('keeps what holds none', async () => {
    const lines = [
      'agents --wait 0.1',
      'call image_factory build_image t mock null null',
      'call -a redhat.com image_factory build_image descriptor=t target=mock image_uuid=null sec_credentials=null',
      '--json call widget-left echo true 1 2 "two words" {a: [1, 2]} []',
      'build 6d2a3c9e-3c1c-4b7e-9a57-0d6c2f1b8a44 --target mock',
      'use redhat.com',
      'help call',
      'use',
    ];
    for (const line of lines) await person.enter(line);
    expect(await kept()).to.deep.equal(lines);
  });

  it('recalls a line with a secret once, to correct it, and never again', async () => {
    await person.enter('agents --wait 0.1');
    await person.enter('call image_factory build_image t mock null hunter2');
    person.type(up);
    await person.sees(/> .*hunter2/);
    person.type(clearLine);
    await person.enter('query Widget --columns serial');
    expect(await person.enter(`${up}${up}`))
      .to.include('agents --wait')
      .and.not.to.include('hunter2');
  });
});
