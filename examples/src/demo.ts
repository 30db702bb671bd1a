/**
 * The whole thing in one process: a broker, an agent, and a console that orders an image and watches it being built.
 *
 * Usage: npm run demo [-- --real [--template FILE] [--target TARGET]]
 */
import { readFile, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundledPlugins, parseTemplate, startAgent } from '@imagefactory/agent';
import {
  type Build,
  type ConnectedConsole,
  connectConsole,
  terminalProgress,
} from '@imagefactory/console-client';
import { amqp10 } from '@imagefactory/qmf';
import { startBroker } from '@imagefactory/qmf/broker';
import { readTextFile } from '@imagefactory/text';
import { whatIsMissing } from './what-is-missing.js';

const projectRoot = resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({
  options: {
    real: { type: 'boolean', default: false },
    template: { type: 'string' },
    target: { type: 'string' },
  },
});
const templateFile =
  options.template ?? join(projectRoot, 'examples/templates', options.real ? 'debian-12.tdl' : 'mock.tdl');
const target = options.target ?? (options.real ? 'openstack-kvm' : 'mock');

/** An end that is nobody's fault but must be told in one line. */
class DemoError extends Error {}

async function main(): Promise<void> {
  const descriptor = await readTextFile(templateFile);
  if (options.real) {
    const lacks = await whatIsMissing(bundledPlugins(), parseTemplate(descriptor), target);
    if (lacks.length > 0)
      throw new DemoError(`a real build needs more than this machine has:\n${lacks.join('\n')}`);
  }

  const broker = await startBroker();
  say(`broker     ${broker.url} (embedded)`);
  const agent = await startAgent({
    bus: amqp10(broker.url),
    plugins: bundledPlugins(),
    imageDirectory: join(projectRoot, '.imagefactory'),
  });
  try {
    const client = await connectConsole({ broker: broker.url });
    try {
      await order(client, descriptor);
    } finally {
      await client.close();
    }
  } finally {
    await agent.stop();
    await broker.stop();
  }
}

async function order(client: ConnectedConsole, descriptor: string): Promise<void> {
  const factory = await client.findFactory();
  say(`agent      ${factory.agent.name}`);

  const query = "{class:ImageFactory, package:'com.redhat.imagefactory'}";
  const objects = await factory.agent.query(query);
  say(`query      ${query}: ${objects.map(object => object.address?.objectName).join(', ')}`);

  const build = await factory.buildImage({ descriptor, target, imageUuid: 'demo', secCredentials: '' });
  say(`build      ${build.name}: ${relative(projectRoot, templateFile)} for ${target}`);
  await show(build);
  if (build.state.kind === 'failed') throw new DemoError(build.state.info);
  say(`status     ${build.status}`);

  const image = await build.finished();
  // The agent stores what it knows of an image beside it.
  const meta = JSON.parse(await readFile(image.replace(/\.body$/, '.meta'), 'utf8')) as {
    format: string;
    sha256: string;
  };
  say(`image      ${relative(process.cwd(), image)}`);
  say(`size       ${(await stat(image)).size} bytes`);
  say(`format     ${meta.format}`);
  say(`sha-256    ${meta.sha256}`);
}

/** Live, from events alone. */
async function show(build: Build): Promise<void> {
  const progress = terminalProgress();
  const shown = { status: 'NEW', percent: 0 };
  for await (const change of build.changes()) {
    if (change.kind === 'status') shown.status = change.status;
    if (change.kind === 'percent') shown.percent = change.percent;
    if (change.kind === 'status' && change.status === 'COMPLETED') shown.percent = 100;
    progress.update({ ...shown });
  }
  progress.end();
}

function say(line: string): void {
  console.log(line);
}

try {
  await main();
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
