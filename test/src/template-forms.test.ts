import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type RunningAgent, startAgent, type TemplateSource } from '@imagefactory/agent';
import { type ConnectedConsole, connectConsole } from '@imagefactory/console-client';
import { mockCloud, mockOs } from '@imagefactory/plugin-mock';
import { amqp10 } from '@imagefactory/qmf';
import { type RunningBroker, startBroker } from '@imagefactory/qmf/broker';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { rejection } from './support/until.js';

const stored = '0b3f0c3e-1111-4222-8333-444455556666';
const text = '<template><name>by reference</name></template>';
const withPassword =
  '<template><name>x</name><os><name>D</name><version>1</version><arch>x86_64</arch>' +
  '<install type="url"><url>http://h.example.org/</url></install><rootpw>geheim</rootpw></os></template>';

describe('a template, in every form that build_image takes', () => {
  let broker: RunningBroker;
  let agent: RunningAgent;
  let client: ConnectedConsole;
  let server: Server;
  let url: string;
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'template-forms-'));
    server = createServer((request, response) => {
      if (request.url === '/t.tdl') response.end(text);
      else if (request.url === '/content') response.end('echo fetched');
      else response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    url = `http://127.0.0.1:${address.port}`;
    broker = await startBroker();
    const templates: TemplateSource = {
      lookup: uuid => Promise.resolve(uuid === stored ? { text } : undefined),
    };
    agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay: 0 }), mockCloud({ stepDelay: 0 })],
      imageDirectory: join(directory, 'images'),
      temporaryDirectory: directory,
      templates,
      allowPrivateAddresses: true,
    });
    client = await connectConsole({ broker: broker.url });
  });

  after(async () => {
    await client.close();
    await agent.stop();
    await broker.stop();
    server.close();
    await rm(directory, { recursive: true });
  });

  /** Builds for the mock; gives the descriptor that the adaptor shows, and the image's uuid. */
  async function build(descriptor: string): Promise<{ shown: unknown; image: string }> {
    const factory = await client.findFactory();
    const started = await factory.buildImage({
      descriptor,
      target: 'mock',
      imageUuid: '',
      secCredentials: '',
    });
    const image = basename(await started.finished(), '.body');
    const objects = await factory.agent.query("{class:BuildAdaptor, package:'com.redhat.imagefactory'}");
    const adaptor = objects.find(({ address }) => address?.objectName === started.name);
    return { shown: adaptor?.values.descriptor, image };
  }

  async function refusal(descriptor: string): Promise<string> {
    const error = await rejection(build(descriptor));
    return error instanceof Error ? error.message : String(error);
  }

  it('builds from text, a stored uuid, an image, and a URL', async () => {
    const { image } = await build(text);
    for (const descriptor of [stored, stored.toUpperCase(), image, `${url}/t.tdl`]) {
      const built = await build(descriptor);
      expect(built.image, descriptor).not.to.equal(image);
      expect(built.shown, descriptor).to.equal(text);
    }
  });

  it('fetches content that the template names by URL', async () => {
    await build(
      `<template><name>x</name><commands><command name="c" type="url">${url}/content</command></commands></template>`,
    );
    expect(
      await refusal(
        `<template><name>x</name><files><file name="/a" type="url">${url}/gone</file></files></template>`,
      ),
    ).to.include(`Invalid argument: descriptor (${url}/gone: the server answered 404)`);
  });

  it('reads no file of its own machine', async () => {
    for (const descriptor of ['/etc/passwd', 'file:///etc/passwd']) {
      expect(await refusal(descriptor)).to.include(
        `Invalid argument: descriptor ('${descriptor}' is no template; give TDL text (<template>…</template>), ` +
          'the uuid of a stored template or of an image or an http or https URL)',
      );
    }
  });

  it('does not build with passwords that it has not kept', async () => {
    const { image } = await build(withPassword);
    expect(await refusal(image)).to.include('was kept without its passwords');
  });

  it('tells every error of the template', async () => {
    const message = await refusal('<template>\n<name/>\n<disk><size>big</size></disk></template>');
    expect(message)
      .to.include('line 2, column 1: <name> is empty')
      .and.to.include("line 3, column 7: <size> is 'big'");
  });
});

describe('an agent that was not told to', () => {
  it('fetches no template from private addresses', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'template-forms-'));
    const broker = await startBroker();
    const agent = await startAgent({
      bus: amqp10(broker.url),
      plugins: [mockOs({ stepDelay: 0 }), mockCloud({ stepDelay: 0 })],
      imageDirectory: directory,
    });
    const client = await connectConsole({ broker: broker.url });
    try {
      const factory = await client.findFactory();
      const inputs = { target: 'mock', imageUuid: '', secCredentials: '' };
      const error = await rejection(
        factory.buildImage({ ...inputs, descriptor: `http://127.0.0.1:${broker.port}/t.tdl` }),
      );
      expect(String(error)).to.include(
        'its host has no public address, and private ones are only fetched from with',
      );
    } finally {
      await client.close();
      await agent.stop();
      await broker.stop();
      await rm(directory, { recursive: true });
    }
  });
});
