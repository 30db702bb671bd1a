import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isReady, sandboxRequirements } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { skipBecause } from './support/lane.js';
import type { Visit } from './support/scene/machine.js';
import { answers, scene } from './support/scene/places.js';

const run = promisify(execFile);

const { port } = scene;
const program = new URL('./support/scene/machine.js', import.meta.url).pathname;

/** Names that the scene's resolver knows, with their addresses one after the other. */
const names = [
  ['public.test', [scene.public]],
  ['private.test', [scene.private]],
  ...['one', 'two', 'three'].map(name => [`${name}.rebinding.test`, [scene.public, scene.private]]),
];

/** Fetches a URL as apt does, redirects and all. */
const fetch = (url: string): string =>
  `cd "$(mktemp -d)" && /usr/lib/apt/apt-helper -o APT::Sandbox::User=root -o Acquire::Retries=0 -o Acquire::http::Timeout=20 download-file '${url}' file; cat file`;

const redirected = (target: string): string => fetch(`http://public.test:${port}/to/${target}`);
const privately = { allowPrivateAddresses: true } as const;
const rebinding = (name: string): string => `http://${name}.rebinding.test:${port}/`;

/** Redirects, by what the target is. The loopback and the machine's own addresses are reached with no option at all. */
const targets = {
  'the address of a private network': { url: `http://${scene.private}:${port}/`, option: true },
  'the name of a server in a private network': { url: `http://private.test:${port}/`, option: true },
  "the machine's own address": { url: `http://${scene.own}:${port}/`, option: true },
  "an address of the machine's loopback interface": {
    url: `http://${scene.ownOnLoopback}:${port}/`,
    option: true,
  },
  'the loopback': { url: `http://127.0.0.1:${port}/`, option: false },
} as const;

const visits: readonly Visit[] = [
  { name: 'the internet', script: fetch(`http://public.test:${port}/`) },
  ...Object.entries(targets).flatMap(([name, { url, option }]): Visit[] => [
    { name, script: redirected(url) },
    { name: `${name}, controlled`, script: redirected(url), ...(option ? privately : { plain: true }) },
  ]),
  { name: 'rebinding', script: fetch(rebinding('one')), checked: [rebinding('one')] },
  {
    name: 'rebinding, controlled',
    script: fetch(rebinding('two')),
    checked: [rebinding('two')],
    ...privately,
  },
  {
    name: 'rebinding of a server of the operator',
    script: fetch(rebinding('three')),
    servers: [rebinding('three')],
  },
];

/** A build that is led to other places than its template names. The machine and its networks are namespaces of this test. */
describe('the network of a sandbox, between a resolver and a server that lie', function () {
  this.timeout(300_000);
  let results: Readonly<Record<string, string>>;

  before(async function () {
    if (process.env['IMAGEFACTORY_REAL'] !== '1')
      skipBecause(this, 'real sandboxes run on request; set IMAGEFACTORY_REAL=1');
    if (process.getuid?.() !== 0) skipBecause(this, 'only root can make networks');
    const requirements = await sandboxRequirements();
    const lack = requirements.find(({ state }) => state === 'missing');
    if (!isReady({ requirements })) skipBecause(this, `${lack?.need ?? 'a sandbox'}: ${lack?.detail ?? ''}`);
    const { stdout } = await run(
      'unshare',
      [
        '--net',
        '--mount',
        '--propagation',
        'private',
        process.execPath,
        program,
        JSON.stringify(names),
        JSON.stringify(visits),
      ],
      { maxBuffer: 16 * 1024 * 1024 },
    );
    results = JSON.parse(stdout) as Record<string, string>;
  });

  it('leads to public servers by their names', () => {
    expect(results['the internet']).to.contain(answers.public);
  });

  for (const name of Object.keys(targets)) {
    it(`does not follow a redirect to ${name}`, () => {
      expect(results[`${name}, controlled`], 'a control').to.contain(answers.private);
      expect(results[name]).not.to.contain(answers.private);
    });
  }

  it('does not lead to the private address that a name has once its URL is checked', () => {
    expect(results['rebinding, controlled'], 'a control').to.contain(answers.private);
    for (const name of ['rebinding', 'rebinding of a server of the operator'])
      expect(results[name]).to.contain(`(${scene.private})`).and.not.to.contain(answers.private);
  });
});
