import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectConsole } from '@imagefactory/console-client';
import { AgentSession, BusConnection, type Namesake, transportFor } from '@imagefactory/qmf';
import { expect } from 'chai';
import { AgentProgram } from '../support/agent-program.js';
import type { Protocol } from '../support/brokers/index.js';
import { collect, rejection, until } from '../support/until.js';
import { as, callRaw } from './roles.js';

/**
 * What must work with the users and rights of docs/brokers.md: an agent as `factory`, a console as `operator`, a build to its end. Beside them a
 * console as `watcher` hears all of it, and can have nothing done.
 *
 * @param access an access list for the agent
 */
export async function buildAsDocumented(
  url: string,
  protocol: Protocol,
  access?: object,
  more?: (agent: AgentProgram, directSubject: string) => Promise<void>,
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'imagefactory-rights-'));
  const list = join(home, 'acl.json');
  if (access !== undefined) await writeFile(list, JSON.stringify(access));
  const args = ['--strict-security', ...(access === undefined ? [] : ['--acl', list])];
  const agent = await AgentProgram.start(as('factory', protocol, url), args, home);
  const operator = await connectConsole({
    broker: as('operator', protocol, url),
    // It asks nothing by itself, however long a busy machine takes: all is to come by events.
    silence: 600_000,
  });
  const watcher = await connectConsole({ broker: as('watcher', protocol, url) });
  const heard: unknown[] = [];
  watcher.session.onEvent(({ values }) => heard.push(values['new_status']));
  try {
    const factory = await operator.findFactory({ timeout: 45_000 }).catch((error: unknown) => {
      throw new Error(`${String(error)}; the agent printed:\n${agent.program.output}`);
    });
    await watcher.session.findAgent(({ info }) => info.product === 'imagefactory', { timeout: 45_000 });
    const build = await factory.buildImage({ descriptor: '<template></template>', target: 'mock' });
    const changes = await collect(build.changes());
    expect(changes.at(-1)).to.include({ kind: 'status', status: 'COMPLETED' });
    expect(
      changes.every(change => !change.caughtUp),
      'all by events',
    ).to.equal(true);
    await until('the watcher has heard of it', () => heard.includes('COMPLETED'));
    await more?.(agent, factory.agent.info.directSubject ?? '');
    const toAll = { user: 'watcher', key: 'console.request.call', method: 'build_image' } as const;
    expect(await callRaw(url, protocol, toAll)).to.include('Action Forbidden - methods are called at');
    await rejection(watcher.findFactory({ timeout: 10_000 })); // has to ask the agent
    expect(agent.program.output).not.to.include('call of image_factory.build_image by watcher');
  } finally {
    await watcher.close();
    await operator.close();
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
      await connection.ready({ timeout: 60_000 });
    }
    await until('both know', () => heard.every(each => each.length > 0));
    expect(heard.map(([other]) => other?.yields)).to.deep.equal([false, true]);
  } finally {
    for (const { session, connection } of agents) {
      session.close();
      await connection.close();
    }
  }
}
