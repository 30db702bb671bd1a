import { execFile } from 'node:child_process';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { promisify } from 'node:util';
import {
  BuildError,
  isReady,
  type SandboxNetwork,
  type SandboxSettings,
  sandboxRequirements,
} from '@imagefactory/plugin-api';
import { type FakeContext, fakeContext } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { skipBecause } from './support/lane.js';

const run = promisify(execFile);

/** Addresses that are given to this machine for the test, of networks that a build must not reach. */
const [high, low] = [process.pid >> 8, process.pid & 255].map(part => part & 255);
const addresses = [`10.${high}.${low}.1`, `172.31.${low}.9`, `198.18.${low}.1`, `100.64.${low}.1`] as const;
const [address] = addresses;
const answer = 'REACHED';

/** The networks of sandboxes, over a server that listens on all addresses of this machine. */
describe('the network of a sandbox', function () {
  this.timeout(300_000);
  const contexts: FakeContext[] = [];
  let server: Server | undefined;
  let port = 0;

  before(async function () {
    if (process.env['IMAGEFACTORY_REAL'] !== '1')
      skipBecause(this, 'real sandboxes run on request; set IMAGEFACTORY_REAL=1');
    if (process.getuid?.() !== 0) skipBecause(this, 'only root can give this machine addresses');
    const requirements = await sandboxRequirements();
    const lack = requirements.find(({ state }) => state === 'missing');
    if (!isReady({ requirements })) skipBecause(this, `${lack?.need ?? 'a sandbox'}: ${lack?.detail ?? ''}`);
    for (const one of addresses) await run('ip', ['address', 'add', `${one}/32`, 'dev', 'lo']);
    const listening = createServer(socket => {
      socket.on('error', () => undefined);
      socket.end(`${answer}\n`);
    });
    server = listening;
    await new Promise<void>(resolve => listening.listen(0, '0.0.0.0', resolve));
    const bound = listening.address();
    port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  });

  after(async () => {
    for (const context of contexts) await context.dispose();
    if (server === undefined) return;
    server.close();
    for (const one of addresses) await run('ip', ['address', 'del', `${one}/32`, 'dev', 'lo']);
  });

  const talk = (host: string, to = port): string =>
    `exec 3<>/dev/tcp/${host}/${to} && read -r -t 20 line <&3 && echo "$line"`;

  interface Attempt {
    readonly proxied?: boolean;
    readonly network?: SandboxNetwork;
    readonly settings?: SandboxSettings;
    readonly servers?: readonly string[];
  }

  /** Output of a script of bash in a sandbox, with the failure if there is one. */
  async function within(script: string, attempt: Attempt = {}): Promise<{ output: string; code?: string }> {
    const { network = 'outbound', proxied = false, settings = {}, servers = [] } = attempt;
    const context = await fakeContext({ run: 'real', sandbox: settings });
    contexts.push(context);
    const sandbox = await context.sandbox.open({ hostname: 'network', servers });
    const lines: string[] = [];
    try {
      await sandbox.tool('bash', ['-c', script], { network, proxied, onLine: line => void lines.push(line) });
      return { output: lines.join('\n') };
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      return { output: `${lines.join('\n')}\n${error.message}`, code: error.code };
    } finally {
      await sandbox.dispose();
    }
  }

  for (const one of [...addresses, '127.0.0.1']) {
    it(`does not lead to ${one.replace(/\d+\.\d+$/, 'x.x')} of this machine`, async () => {
      const { stdout } = await run('bash', ['-c', talk(one)]);
      expect(stdout, 'without a sandbox').to.contain(answer);
      const { output, code } = await within(talk(one));
      expect(output).not.to.contain(answer);
      expect(code).to.equal('tool_failed');
    });
  }

  it("does not lead to this machine by the addresses of the network's own", async () => {
    for (const own of ['10.0.2.2', '10.0.2.3', '10.0.2.4', '10.0.2.100'])
      expect((await within(talk(own))).output).not.to.contain(answer);
  });

  it('leads to an address that the operator has configured, and to no other', async () => {
    const servers = [`http://${address}:1/debian`];
    expect(await within(talk(address), { servers })).to.deep.equal({ output: answer });
    expect((await within(talk(addresses[1]), { servers })).output).not.to.contain(answer);
    expect((await within(talk('127.0.0.1'), { servers: ['http://127.0.0.1/'] })).output).not.to.contain(
      answer,
    );
  });

  it('leads to private addresses with --allow-private-addresses, but never to the loopback', async () => {
    const settings = { allowPrivateAddresses: true };
    expect(await within(talk(address), { settings })).to.deep.equal({ output: answer });
    for (const one of ['127.0.0.1', '10.0.2.2'])
      expect((await within(talk(one), { settings })).output).not.to.contain(answer);
  });

  it("leads to the operator's proxy without its address and password, for programs that ask for it", async () => {
    const asked: string[] = [];
    const proxy = createHttpServer((request, response) => {
      const credentials = request.headers['proxy-authorization'] ?? '';
      asked.push(`${request.url ?? ''} ${credentials}`);
      // As some proxies do in what they say about an error.
      response.end(`${answer} for ${credentials} (me:pr@xy-secret)\n`);
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    const bound = proxy.address();
    const place = typeof bound === 'object' && bound !== null ? bound.port : 0;
    process.env['http_proxy'] = `http://me:pr%40xy-secret@127.0.0.1:${place}`;
    const get = (url: string): string =>
      `env; exec 3<>/dev/tcp/127.0.0.1/3128 && printf 'GET ${url} HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3`;
    try {
      const { output } = await within(get('http://9.9.9.9/x'), { proxied: true });
      expect(output).to.contain(answer).and.contain('http_proxy=http://127.0.0.1:3128');
      const credentials = Buffer.from('me:pr@xy-secret').toString('base64');
      expect(output)
        .not.to.match(/secret/)
        .and.not.to.contain(credentials);
      expect(output).to.contain('for Basic *** (');
      expect(asked).to.deep.equal([`http://9.9.9.9/x Basic ${credentials}`]);
      // The proxy is no way around the rule, and commands of templates do not have it.
      expect((await within(get('http://10.9.9.9/x'), { proxied: true })).output).not.to.contain(answer);
      const unasked = await within(get('http://9.9.9.9/x'));
      expect(unasked.output).not.to.contain(answer).and.not.to.contain('proxy');
      expect(asked).to.have.lengthOf(1);
    } finally {
      delete process.env['http_proxy'];
      proxy.close();
      proxy.closeAllConnections();
    }
  });

  it('is one whose routes a guest cannot change', async () => {
    const change = 'ip route del unreachable 10.0.0.0/8 || ip route add 10.0.0.0/9 via 10.0.2.2';
    const { output } = await within(`${change}; ${talk(address)}`);
    expect(output).to.match(/Operation not permitted/);
    expect(output).not.to.contain(answer);
  });

  it('is none unless asked for, and a lookup then fails as network_off', async () => {
    expect((await within(talk(address), { network: 'none' })).output).not.to.contain(answer);
    // Whatever the program says after it.
    const lookup = await within(
      'exec 3<>/dev/tcp/mirror.example/80 || for i in 1 2 3 4 5 6 7 8 9; do echo "so step $i fails"; done; exit 1',
      { network: 'none' },
    );
    expect(lookup).to.have.property('code', 'network_off');
    expect(lookup.output).to.contain('--command-network');
  });
});
