import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { parse } from 'yaml';
import { blockOf } from './support/doc-blocks.js';
import { Program, programs, projectRoot } from './support/program.js';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly profiles?: string[];
  readonly command?: string[];
  readonly volumes?: string[];
  readonly networks?: Readonly<Record<string, { readonly aliases?: string[] }>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const profiles = ['qpidd', 'rabbitmq', 'broker-j', 'artemis'];

/** No container engine is assumed, so what is held is the form: names that must fit each other, options that must exist. */
describe('the container files', () => {
  it('docker-compose.yml has a profile for each broker, with an agent whose options exist', async () => {
    const text = await readFile(join(projectRoot, 'docker-compose.yml'), 'utf8');
    const { services, volumes } = parse(text, { merge: true }) as Compose;
    expect(Object.keys(services)).to.have.members([...profiles, 'imagefactory']);
    for (const [name, service] of Object.entries(services)) {
      expect(service.image ?? service.build, `${name} has an image or is built`).to.be.a('string');
      if (service.build !== undefined) await readFile(join(projectRoot, service.build, 'Dockerfile'));
      for (const volume of service.volumes ?? []) expect(volumes).to.have.property(volume.split(':')[0]!);
      if (name === 'imagefactory') continue;
      expect(service.profiles, name).to.deep.equal([name]);
      expect(service.networks?.default?.aliases, name).to.deep.equal(['broker']);
    }
    const agent = services.imagefactory;
    expect(agent?.profiles).to.deep.equal(profiles);
    const command = agent?.command ?? [];
    expect(command[command.indexOf('--broker') + 1]).to.equal('amqp://broker:5672');
    const help = (await Program.run(programs.agent, ['--help'])).stdout;
    for (const option of command.filter(word => word.startsWith('--'))) expect(help).to.include(option);
  });

  it('the Broker-J of docker-compose.yml has the configuration of docs/brokers.md but its access rules', async () => {
    const shown = JSON.parse(await blockOf('Qpid Broker-J', 'json')) as Record<string, unknown>;
    delete shown.accesscontrolproviders;
    const file = await readFile(join(projectRoot, 'test/brokers/broker-j/config.json'), 'utf8');
    expect(JSON.parse(file)).to.deep.equal(shown);
  });

  it('the Dockerfile starts programs and copies files that are there', async () => {
    const dockerfile = await readFile(join(projectRoot, 'Dockerfile'), 'utf8');
    const entry = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
    expect(entry).to.include('--qmf');
    const script = entry.find(word => word.endsWith('.js'))?.replace('/opt/imagefactory/', '');
    await readFile(join(projectRoot, script ?? 'missing'));
    const [node] = /^FROM node:(\d+)/m.exec(dockerfile)?.slice(1) ?? [];
    expect(Number(node)).to.be.at.least(20);
  });
});
