import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { parse } from 'yaml';
import { Program, programs, projectRoot } from './support/program.js';

interface Compose {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image?: string;
        readonly build?: string;
        readonly command?: string[];
        readonly depends_on?: string[];
        readonly volumes?: string[];
      }
    >
  >;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** No container engine is assumed, so what is held is the form: names that must fit each other, options that must exist. */
describe('the container files', () => {
  it('docker-compose.yml has a broker and an agent whose options exist', async () => {
    const compose = parse(await readFile(join(projectRoot, 'docker-compose.yml'), 'utf8')) as Compose;
    expect(Object.keys(compose.services)).to.include.members(['qpid', 'imagefactory']);
    const { help } = { help: (await Program.run(programs.agent, ['--help'])).stdout };
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service.image ?? service.build, `${name} has an image or is built`).to.be.a('string');
      for (const other of service.depends_on ?? []) expect(compose.services).to.have.property(other);
      for (const volume of service.volumes ?? [])
        expect(compose.volumes).to.have.property(volume.split(':')[0]!);
    }
    const command = compose.services.imagefactory?.command ?? [];
    expect(command[command.indexOf('--broker') + 1]).to.match(/^qpid:/);
    for (const option of command.filter(word => word.startsWith('--'))) expect(help).to.include(option);
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
