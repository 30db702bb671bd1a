import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectConsole } from '@imagefactory/console-client';
import { AgentSession, BusConnection, type Namesake, transportFor } from '@imagefactory/qmf';
import { expect } from 'chai';
import { AgentProgram } from '../support/agent-program.js';
import type { Protocol } from '../support/brokers/index.js';
import { projectRoot } from '../support/program.js';
import { collect, rejection, until } from '../support/until.js';
import { urlFor } from './on-broker.js';

/** The blocks of one language in a section of docs/brokers.md. */
export async function blocksOf(section: string, language: string): Promise<string[]> {
  const page = await readFile(join(projectRoot, 'docs/brokers.md'), 'utf8');
  const text = page.split(/^## /m).find(part => part.startsWith(`${section}\n`));
  if (text === undefined) throw new Error(`docs/brokers.md has no section ${section}`);
  const blocks = text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm);
  return [...blocks].filter(match => match[1] === language).map(match => match[2] ?? '');
}

/** The one block of its language in a section. */
export async function blockOf(section: string, language: string): Promise<string> {
  const [block, ...others] = await blocksOf(section, language);
  if (block === undefined || others.length > 0)
    throw new Error(`docs/brokers.md, ${section}: one block of ${language} is expected`);
  return block;
}

/** The address with one of the users of docs/brokers.md. */
export function as(user: string, protocol: Protocol, url: string): string {
  const login = `//${user}:${user}-password@`;
  return urlFor(protocol, url).replace(/\/\/([^@/]*@)?/, login);
}

/** What must work with the users and rights of docs/brokers.md: an agent as `factory`, a console as `watcher`, a build to its end. */
export async function buildAsDocumented(
  url: string,
  pair: { readonly agent: Protocol; readonly console: Protocol },
): Promise<void> {
  const agent = await AgentProgram.start(as('factory', pair.agent, url), ['--strict-security']);
  const client = await connectConsole({ broker: as('watcher', pair.console, url) });
  try {
    const factory = await client.findFactory({ timeout: 15_000 }).catch((error: unknown) => {
      throw new Error(`${String(error)}; the agent printed:\n${agent.program.output}`);
    });
    const build = await factory.buildImage({ descriptor: '<template></template>', target: 'mock' });
    const changes = await collect(build.changes());
    expect(changes.at(-1)).to.include({ kind: 'status', status: 'COMPLETED' });
    expect(
      changes.every(change => !change.caughtUp),
      'all by events',
    ).to.equal(true);
  } finally {
    await client.close();
    await agent.stop();
  }
}

/** What must work with them too: of two agents of one name, both hear of the other, and one is to take another name. */
export async function namesakesAsDocumented(url: string, protocol: Protocol): Promise<void> {
  const agents = [];
  const heard: [Namesake[], Namesake[]] = [[], []];
  try {
    for (const each of heard) {
      const connection = new BusConnection(transportFor(as('factory', protocol, url)));
      const session = new AgentSession(connection, {
        vendor: 'example.com',
        product: 'copied',
        instance: protocol,
        interval: 1,
        strictSecurity: true,
        onNamesake: other => each.push(other),
      });
      agents.push({ connection, session });
      await session.open();
      connection.start();
      await connection.ready({ timeout: 15_000 });
    }
    await until('both know', () => heard.every(each => each.length > 0), 30_000);
    expect(heard.map(([other]) => other?.yields)).to.deep.equal([false, true]);
  } finally {
    for (const { session, connection } of agents) {
      session.close();
      await connection.close();
    }
  }
}

/** What must not work with them: a console that raises an agent's events. */
export async function refusedAsDocumented(url: string, protocol: Protocol): Promise<void> {
  const wire = await transportFor(as('watcher', protocol, url)).dial(new AbortController().signal);
  try {
    const error = await rejection(
      wire.send({
        to: { node: 'qmf.default.topic', subject: 'agent.ind.event.forged' },
        headers: new Map(),
        body: { form: 'data', bytes: Buffer.from('forged') },
      }),
    );
    expect(String(error)).to.match(/not_authorised|not.allowed|denied|refused|unauthorized|forbidden|403/i);
  } finally {
    await wire.close();
  }
}
