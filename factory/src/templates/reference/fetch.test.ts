import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { BuildError } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { rejection } from '../../testing/until.js';
import { createFetcher, type FetcherOptions } from './fetch.js';

const servers: Server[] = [];

/** A server on an address of this machine; gives its URL without a slash at the end. */
async function serve(listener: RequestListener, host = '127.0.0.1'): Promise<string> {
  const server = createServer(listener).listen(0, host);
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://${host}:${address.port}`;
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** To which 127.0.0.1 is the internet, and 127.0.0.2 a private network. */
const worldly = (options: FetcherOptions = {}) =>
  createFetcher({ isPublic: address => address === '127.0.0.1', ...options });

async function refusal(fetching: Promise<unknown>): Promise<string> {
  const error = await rejection(fetching);
  expect(error).to.be.instanceOf(BuildError).with.property('code', 'template_unavailable');
  return error.message;
}

const limit = 1000;

describe('createFetcher', () => {
  it('fetches a document, with user and password where the URL has them', async () => {
    const url = await serve((request, response) => response.end(request.headers.authorization ?? 'nobody'));
    const fetch = worldly();
    const text = async (from: string): Promise<string> =>
      Buffer.from(await fetch(from, { limit })).toString();
    expect(await text(`${url}/a`)).to.equal('nobody');
    expect(await text(url.replace('//', '//me:se%21cret@'))).to.equal(
      `Basic ${Buffer.from('me:se!cret').toString('base64')}`,
    );
  });

  it('does not connect to private addresses, however they are written', async () => {
    let calls = 0;
    const url = await serve((_request, response) => {
      calls++;
      response.end();
    });
    const port = new URL(url).port;
    const fetch = createFetcher();
    for (const host of [
      '127.0.0.1',
      '127.1',
      '0x7f.0.0.1',
      '2130706433',
      '017700000001',
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '0.0.0.0',
      '169.254.169.254',
      '10.0.0.1',
    ]) {
      const message = await refusal(fetch(`http://${host}:${port}/`, { limit }));
      expect(message, host).to.include('its host has no public address, and private ones');
    }
    expect(calls).to.equal(0);
    expect(await createFetcher({ allowPrivateAddresses: true })(url, { limit })).to.have.lengthOf(0);
  });

  it('connects to an address of the answer that it has checked, and asks once', async () => {
    const url = await serve((request, response) => response.end(request.headers.host));
    const { port } = new URL(url);
    let asked = 0;
    const answers = [
      [
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
      [{ address: '127.0.0.2', family: 4 }],
    ];
    const fetch = worldly({ resolve: () => Promise.resolve(answers[asked++] ?? []) });
    const body = await fetch(`http://rebinding.example:${port}/`, { limit });
    expect(Buffer.from(body).toString()).to.equal(`rebinding.example:${port}`);
    expect(asked).to.equal(1);
    expect(await refusal(fetch(`http://rebinding.example:${port}/`, { limit }))).to.equal(
      `http://rebinding.example:${port}/: its host has no public address, and private ones are only fetched from with --allow-private-addresses`,
    );
  });

  it('follows a few redirects, each checked anew', async () => {
    let inside = 0;
    const secret = await serve((_request, response) => {
      inside++;
      response.end('secret');
    }, '127.0.0.2');
    const url = await serve((request, response) => {
      const to: Record<string, string> = {
        '/relative': '/end',
        '/round': '/round',
        '/inside': `${secret}/`,
        '/file': 'file:///etc/passwd',
        '/name': `http://localhost:${new URL(secret).port}/`,
      };
      const location = to[request.url ?? ''];
      if (location === undefined)
        response.end(`${request.url ?? ''} ${request.headers.authorization ?? 'nobody'}`);
      else response.writeHead(302, { location }).end();
    });
    const fetch = worldly({
      resolve: name => Promise.resolve(name === 'localhost' ? [{ address: '127.0.0.2', family: 4 }] : []),
    });
    expect(Buffer.from(await fetch(`${url}/relative`, { limit })).toString()).to.equal('/end nobody');
    expect(await refusal(fetch(`${url}/round`, { limit }))).to.equal(`${url}/round: more than 5 redirects`);
    expect(await refusal(fetch(`${url}/inside`, { limit }))).to.include('no public address');
    expect(await refusal(fetch(`${url}/name`, { limit }))).to.include('no public address');
    expect(await refusal(fetch(`${url}/file`, { limit }))).to.include('only http and https are fetched');
    expect(inside).to.equal(0);
  });

  it('takes no more than the limit, whether or not the length is told', async () => {
    const url = await serve((request, response) => {
      const body = Buffer.alloc(1001);
      if (request.url === '/told') response.writeHead(200, { 'content-length': 1001 });
      response.write(body.subarray(0, 500));
      response.end(body.subarray(500));
    });
    expect(await refusal(worldly()(`${url}/told`, { limit }))).to.equal(
      `${url}/told: larger than 1000 bytes`,
    );
    expect(await refusal(worldly()(`${url}/`, { limit }))).to.equal(`${url}/: larger than 1000 bytes`);
    expect(await worldly()(`${url}/`, { limit: 1001 })).to.have.lengthOf(1001);
  });

  it('waits only so long, for the answer and for its end', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/half') response.write('half');
    });
    const fetch = worldly({ timeout: 60 });
    expect(await refusal(fetch(`${url}/never`, { limit }))).to.equal(`${url}/never: not there within 0.06 s`);
    expect(await refusal(fetch(`${url}/half`, { limit }))).to.equal(`${url}/half: not there within 0.06 s`);
  });

  it('can be given up', async () => {
    const stop = new AbortController();
    const url = await serve(() => stop.abort());
    const error = await rejection(worldly()(url, { limit, signal: stop.signal }));
    expect(error).to.be.instanceOf(BuildError).with.property('code', 'aborted');
  });

  it('tells a deadline of its caller from being given up', async () => {
    const url = await serve(() => undefined);
    const fetching = worldly()(url, { limit, signal: AbortSignal.timeout(60) });
    expect(await refusal(fetching)).to.equal(`${url}: not there in time`);
  });

  it('says what went wrong, without password and query', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': 10 });
        response.write('half', () => response.destroy());
      } else if (request.url === '/packed') response.writeHead(200, { 'content-encoding': 'gzip' }).end();
      else response.writeHead(404).end();
    });
    const fetch = worldly();
    const secret = `${url.replace('//', '//me:geheim@')}/gone?token=geheim`;
    expect(await refusal(fetch(secret, { limit }))).to.equal(
      `${url.replace('//', '//***@')}/gone?…: the server answered 404`,
    );
    expect(await refusal(fetch(`${url}/packed`, { limit }))).to.include('packed');
    expect(await refusal(fetch(`${url}/cut`, { limit }))).to.match(/the connection broke|aborted/);
    expect(await refusal(fetch('http://127.0.0.1:1/', { limit }))).to.equal(
      'http://127.0.0.1:1/: its host takes no connections on that port',
    );
    expect(await refusal(fetch('ftp://127.0.0.1/', { limit }))).to.include('only http and https');
    const lost = worldly({
      resolve: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })),
    });
    expect(await refusal(lost('http://nowhere.example/', { limit }))).to.equal(
      'http://nowhere.example/: no host of that name',
    );
  });

  it('asks no server that is only the beginning of a user and password', async () => {
    const lost = worldly({ resolve: host => Promise.reject(new Error(`${host} was looked up`)) });
    for (const password of [
      '2024/geheim',
      '2024?geheim',
      '2024#geheim',
      'x/geheim',
      '/geheim',
      'a@b/geheim',
    ]) {
      expect(await refusal(lost(`http://me:${password}@h.example/t.tdl`, { limit })), password)
        .to.include('%2F')
        .and.not.to.include('geheim');
    }
    const url = await serve((_request, response) => response.end('<template/>'));
    for (const good of [`${url}/%40scope/t.tdl?by=me`, `${url.replace('//', '//me:2%2F4@')}/t.tdl`])
      expect(Buffer.from(await worldly()(good, { limit })).toString()).to.equal('<template/>');
  });

  it('fetches a few at a time', async () => {
    const url = await serve(() => undefined);
    const stop = new AbortController();
    const fetch = worldly({ concurrent: 1 });
    const first = rejection(fetch(url, { limit, signal: stop.signal }));
    expect(await refusal(fetch(url, { limit }))).to.equal(
      '1 documents are being fetched already; try again later',
    );
    stop.abort();
    await first;
  });
});
