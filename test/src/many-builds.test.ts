import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAgent } from '@imagefactory/agent';
import { connectConsole } from '@imagefactory/console-client';
import type { OsPlugin } from '@imagefactory/plugin-api';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10 } from '@imagefactory/qmf';
import { startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { describe, it } from 'mocha';

describe('100 builds at once', () => {
  it('run four at a time, and all come to a good end', async function () {
    this.timeout(180_000);
    const directory = await mkdtemp(join(tmpdir(), 'many-test-'));
    const broker = await startBroker();
    const begun: string[] = [];
    let running = 0;
    let most = 0;
    const mock = mockOs({ stepDelay: 1 });
    const counted: OsPlugin = {
      ...mock,
      async buildBase(template, context) {
        begun.push(template.name);
        most = Math.max(most, ++running);
        try {
          return await mock.buildBase(template, context);
        } finally {
          running--;
        }
      },
    };
    const agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [counted, mockCloud({ stepDelay: 0 })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: join(directory, 'tmp'),
      maxConcurrent: 4,
    });
    const client = await connectConsole({ broker: broker.url });
    try {
      const factory = await client.findFactory();
      const names = Array.from({ length: 100 }, (_none, index) => `n${index}`);
      const builds = await Promise.all(
        names.map(name =>
          factory.buildImage({ descriptor: `<template><name>${name}</name></template>`, target: 'mock' }),
        ),
      );
      const paths = await Promise.all(builds.map(build => build.finished()));
      expect(new Set(paths).size).to.equal(100);
      expect(most).to.equal(4);
      expect([...begun].sort()).to.deep.equal([...names].sort());
      const bodies = (await readdir(join(directory, 'images'))).filter(name => name.endsWith('.body'));
      expect(bodies).to.have.lengthOf(100);
    } finally {
      await client.close();
      await agent.stop();
      await broker.stop();
      await rm(directory, { recursive: true });
    }
  });
});
