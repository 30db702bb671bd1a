import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Transport, unknownUserIds, type Value } from '@imagefactory/qmf';
import type { Envelope } from '@imagefactory/qmf/wire';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { fakeCloud, fakeOs } from '@imagefactory/factory/testing';
import { recordingLogger } from '@imagefactory/factory/testing';
import { until } from '@imagefactory/factory/testing';
import { startAgent } from './start-agent.js';

/** A broker that delivers what the test says and never says a word on what it is sent: no credit, or a full queue. */
class SilentBroker implements Transport {
  readonly description = 'amqp://silent';
  readonly sent: Envelope[] = [];
  deliver: (envelope: Envelope) => void = () => undefined;

  dial(): ReturnType<Transport['dial']> {
    let end: () => void = () => undefined;
    const closed = new Promise<undefined>(resolve => {
      end = () => resolve(undefined);
    });
    return Promise.resolve({
      peer: {},
      bodyForm: 'value',
      userIds: unknownUserIds,
      bind: (_binding, deliver) => {
        this.deliver = deliver;
        return Promise.resolve(() => undefined);
      },
      send: envelope => {
        this.sent.push(envelope);
        return new Promise<void>(() => undefined);
      },
      closed,
      close: () => {
        end();
        return Promise.resolve();
      },
    });
  }
}

describe('an agent whose broker takes nothing', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'agent-test-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('builds all the same, and says what it could not tell when it stops', async () => {
    const broker = new SilentBroker();
    const log = recordingLogger();
    const agent = await startAgent({
      bus: broker,
      plugins: [fakeOs(), fakeCloud()],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: join(directory, 'tmp'),
      settleTime: 0.05,
      log,
    });
    await agent.ready();
    broker.deliver({
      to: { node: 'qmf.default.topic' },
      replyTo: { node: 'qmf.default.topic', subject: 'direct-console.x' },
      contentType: 'amqp/map',
      headers: new Map([['qmf.opcode', '_method_request']]),
      body: {
        form: 'value',
        value: new Map<string, Value>([
          ['_object_id', new Map([['_object_name', 'image_factory']])],
          ['_method_name', 'build_image'],
          [
            '_arguments',
            new Map([
              ['descriptor', '<template></template>'],
              ['target', 'mock'],
              ['image_uuid', ''],
              ['sec_credentials', ''],
            ]),
          ],
        ]),
      },
    });
    await until('the build is done', () => log.lines.some(line => / completed: /.test(line)));
    expect(
      (await readdir(join(directory, 'images'))).filter(name => name.endsWith('.body')),
    ).to.have.lengthOf(1);
    const report = await agent.stop();
    expect(report).to.include({ unfinishedCalls: 0 });
    expect(report.unsentMessages).to.be.greaterThan(3);
  });
});
