import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { createUrlRule } from '../urls/url-rule.js';
import { proxySettings } from './machine-proxies.js';
import { guestProxySettings, openRelay, relaySocket } from './proxy-relay.js';

describe('the relay to a proxy', () => {
  let directory: string;
  let proxy: Server;
  let relay: { close(): Promise<void> };
  const asked: string[] = [];

  beforeEach(async () => {
    asked.length = 0;
    directory = await mkdtemp(join(tmpdir(), 'relay-'));
    const note = ({ method = '', url = '', headers }: IncomingMessage): void => {
      const [, code = ''] = / (\S+)$/.exec(headers['proxy-authorization'] ?? '') ?? [];
      asked.push(`${method} ${url} ${Buffer.from(code, 'base64').toString()}`);
    };
    proxy = createServer((incoming, response) => {
      note(incoming);
      response.end(`body of ${incoming.url ?? ''}`);
    });
    proxy.on('connect', (incoming: IncomingMessage, socket) => {
      note(incoming);
      socket.end('HTTP/1.1 200 OK\r\n\r\nthrough');
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    const bound = proxy.address();
    const place = `me:100%25-p/@:#?%zz@127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
    const proxies = proxySettings({
      HTTP_PROXY: `http://${place}`,
      https_proxy: place,
      no_proxy: 'near.lan',
    });
    const rule = createUrlRule({
      resolve: name =>
        Promise.resolve(['10.0.0.1', ...(name === 'mixed.example' ? ['9.9.9.9'] : [])].map(inFamily4)),
    });
    relay = await openRelay(directory, { rule, servers: ['http://mirror.lan/debian'], proxies });
    expect(guestProxySettings(proxies)).to.deep.equal({
      http_proxy: 'http://127.0.0.1:3128',
      https_proxy: 'http://127.0.0.1:3128',
      no_proxy: 'near.lan',
    });
  });

  afterEach(async () => {
    await relay.close();
    proxy.close();
    proxy.closeAllConnections();
    await rm(directory, { recursive: true });
  });

  const get = (url: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: join(directory, relaySocket), path: url, agent: false });
      outgoing.on('response', answer => {
        answer.setEncoding('utf8');
        let body = `${answer.statusCode ?? 0} `;
        answer.on('data', (text: string) => (body += text)).on('end', () => resolve(body));
      });
      outgoing.on('error', reject).end();
    });

  /** All that the relay answers to these bytes. */
  const say = (text: string): Promise<string> =>
    new Promise(resolve => {
      let heard = '';
      const socket = connect(join(directory, relaySocket), () => socket.write(text, 'latin1'));
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')));
      socket.on('error', () => undefined).on('close', () => resolve(heard));
    });

  it('adds the credentials, which may be written in any way', async () => {
    expect(await get('http://mirror.lan/x')).to.equal('200 body of http://mirror.lan/x');
    expect(await say('CONNECT mirror.lan:443 HTTP/1.1\r\nHost: mirror.lan\r\n\r\n')).to.match(
      / 200 [^]*through$/,
    );
    expect(asked).to.deep.equal([
      'GET http://mirror.lan/x me:100%25-p/@:#?%zz',
      'CONNECT mirror.lan:443 me:100%25-p/@:#?%zz',
    ]);
  });

  it('asks the proxy for nothing that the rule for URLs does not admit', async () => {
    for (const url of [
      'http://10.0.0.1/',
      'http://private.example/',
      'http://mixed.example/',
      '/x',
      'http://2130706433/',
    ])
      expect(await get(url), url).to.match(/^502/);
    expect(await say('CONNECT 10.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n')).to.match(/^HTTP\/1.1 502/);
    expect(asked).to.deep.equal([]);
  });

  it('outlives what is no request', async () => {
    await say('GET http://mirror.lan/\xff HTTP/1.0\r\n\r\n');
    await say('CONNECT mirror.lan:\xff HTTP/1.1\r\nHost: x\r\n\r\n');
    await say('nonsense\r\n\r\n');
    expect(await get('http://mirror.lan/y')).to.equal('200 body of http://mirror.lan/y');
  });
});

function inFamily4(address: string): { address: string; family: number } {
  return { address, family: 4 };
}
