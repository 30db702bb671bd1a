import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { it } from 'mocha';
import type { BrokerKind, Protocol } from '../support/brokers/index.js';
import { Program, programs } from '../support/program.js';
import { rejection } from '../support/until.js';
import { buildAsDocumented } from './howto.js';
import { as, callRaw } from './roles.js';

/** Where brokers with users vouch for who calls (docs/brokers.md, "Who calls"), by the protocol of agent and console. */
const vouching: Readonly<Record<BrokerKind, readonly Protocol[]>> = {
  embedded: ['amqp10'],
  qpidd: ['amqp10'],
  rabbitmq: ['amqp091'],
  rabbitmq4: ['amqp091'],
  'broker-j': [],
  artemis: [],
};

/** Builds are the operator's to order, pushes somebody else's. */
const list = {
  allow: [
    { users: ['operator'], methods: ['build_image', 'image'] },
    { users: ['chief'], methods: ['push_image'] },
  ],
};

/** Defines the test that users do their work under an access list where the broker vouches for them, and that an agent with one does not start elsewhere. */
export function buildsAsDocumented(kind: BrokerKind, url: () => string, protocol: Protocol): void {
  if (vouching[kind].includes(protocol)) {
    it(`let agent and consoles do their work, under an access list, over ${protocol}`, () =>
      buildAsDocumented(url(), protocol, list, async (agent, key) => {
        const push = { user: 'operator', key, method: 'push_image' } as const;
        expect(await callRaw(url(), protocol, push)).to.include('Action Forbidden');
        // Under another name the broker lets nobody call.
        const refused = await rejection(callRaw(url(), protocol, { ...push, userId: 'chief' }));
        expect(refused)
          .to.have.property('code')
          .that.matches(/^(not_authorised|message_rejected|address_refused)$/);
        expect(agent.program.output).to.match(/push_image by .*: forbidden/);
        expect(agent.program.output).not.to.match(/by .*chief/);
      }));
    return;
  }
  it(`let agent and consoles do their work over ${protocol}`, () => buildAsDocumented(url(), protocol));
  it(`do not let an agent with an access list start over ${protocol}, as the broker does not vouch for users`, async () => {
    const home = await mkdtemp(join(tmpdir(), 'imagefactory-acl-'));
    try {
      const file = join(home, 'acl.json');
      await writeFile(file, JSON.stringify(list));
      const places = ['--imgdir', join(home, 'images'), '--tmpdir', home];
      const broker = ['--broker', as('factory', protocol, url()), '--strict-security'];
      const args = ['--qmf', '--foreground', ...broker, '--acl', file, ...places];
      const { status, output } = await Program.run(programs.agent, args);
      expect(output).to.match(/the agent does not start: --acl means nothing at .*--acl-unverified-users/);
      expect(status, output).to.equal(1);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });
}
