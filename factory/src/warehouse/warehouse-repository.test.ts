import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { newImageIdentifier } from '../images/index.js';
import { type Iwhd, startIwhd } from '../testing/iwhd.js';
import { rejection } from '../testing/until.js';
import { oauthHeader } from './oauth.js';
import type { TransferOptions } from './repository.js';
import { WarehouseRepository } from './warehouse-repository.js';

describe('WarehouseRepository', () => {
  let iwhd: Iwhd;
  beforeEach(async () => {
    iwhd = await startIwhd();
  });
  afterEach(() => iwhd.stop());
  const id = newImageIdentifier();
  const quick = { backoff: 1, attempts: 3 };

  it('writes what the original wrote, into the buckets that it is told', async () => {
    iwhd.buckets.set('my_builds', new Map());
    const repository = new WarehouseRepository(iwhd.url, { buckets: { build: 'my_builds' } });
    await repository.put('build', id, { image: 'i', timestamp: '1.25' });
    await repository.put('template', id, {}, '<template/>');
    expect(Object.fromEntries(iwhd.buckets.get('my_builds')?.get(id)?.attributes ?? [])).to.deep.equal({
      image: 'i',
      timestamp: '1.25',
      uuid: id,
      object_type: 'build',
    });
    expect(iwhd.buckets.get('templates')?.get(id)?.body.toString()).to.equal('<template/>');
    await repository.find('build', { image: 'i', parent: 'p"' });
    expect(iwhd.requests.find(line => line.startsWith('POST'))).to.equal(
      'POST /my_builds/_query ($image == "i") && ($object_type == "build")',
    );
    expect(iwhd.requests.filter(line => line === 'PUT /my_builds')).to.have.lengthOf(1);
  });

  it('tries again what fails on the way or at the server, and says so when that is in vain', async () => {
    const repository = new WarehouseRepository(iwhd.url, quick);
    let left = 2;
    for (const fault of [503, 'reset'] as const) {
      left = 2;
      iwhd.fault = () => (left-- > 0 ? fault : undefined);
      expect(await repository.get('build', id)).to.equal(undefined);
    }
    iwhd.fault = () => 503;
    iwhd.requests.length = 0;
    expect(await rejection(repository.get('build', id))).to.include({ code: 'failed', retryable: true });
    expect(iwhd.requests).to.have.lengthOf(3);
    await iwhd.stop();
    expect(await rejection(repository.get('build', id))).to.include({ code: 'unreachable' });
    iwhd = await startIwhd();
  });

  it('does not repeat what was refused, and takes no page of an error for a value', async () => {
    const repository = new WarehouseRepository(iwhd.url, quick);
    for (const [status, code] of [
      [401, 'not_authorised'],
      [403, 'refused'],
      [400, 'refused'],
    ] as const) {
      iwhd.fault = () => status;
      iwhd.requests.length = 0;
      expect(await rejection(repository.body('template', id))).to.include({ code, retryable: false });
      expect(iwhd.requests).to.have.lengthOf(1);
    }
    iwhd.fault = (method, path) => (method === 'PUT' && path.endsWith(id) ? 403 : undefined);
    expect(await rejection(repository.put('build', id, {}))).to.include({ code: 'refused' });
  });

  it('tells how much of a file it has sent, and makes a bucket again that is gone', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'warehouse-test-'));
    try {
      const file = join(directory, 'body');
      await writeFile(file, Buffer.alloc(2_500_000, 'x'));
      const repository = new WarehouseRepository(iwhd.url, quick);
      const sent: number[] = [];
      const put = (): Promise<void> =>
        repository.put('target_image', id, { target: 'mock' }, { file }, { onSent: n => void sent.push(n) });
      await put();
      expect(sent.at(-1)).to.equal(2_500_000);
      expect(sent.length).to.be.greaterThan(1);
      iwhd.buckets.clear();
      expect(await rejection(put())).to.include({ code: 'refused' });
      await put();
      expect(iwhd.buckets.get('target_images')?.get(id)?.body.length).to.equal(2_500_000);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('ends requests, and the waiting between them, when it is told to', async () => {
    for (const fault of ['hang', 503] as const) {
      const repository = new WarehouseRepository(iwhd.url, { backoff: 60_000 });
      for (const ask of [
        (options: TransferOptions) => repository.get('build', id, options),
        (options: TransferOptions) => repository.put('build', id, {}, '', options),
        (options: TransferOptions) => repository.body('build', id, options),
      ]) {
        const stop = new AbortController();
        iwhd.fault = () => {
          setTimeout(() => stop.abort(new Error('enough')), 20);
          return fault;
        };
        expect((await rejection(ask(stop))).message, String(fault)).to.equal('enough');
      }
    }
  });

  it('does not wait for ever', async () => {
    const repository = new WarehouseRepository(iwhd.url, { timeout: 20, attempts: 1 });
    iwhd.fault = () => 'hang';
    expect(await rejection(repository.get('build', id))).to.include({ code: 'timeout' });
  });

  it('says who asks, and never the secret', async () => {
    const repository = new WarehouseRepository(iwhd.url, { oauth: { key: 'me', secret: 'geheim' } });
    await repository.get('build', id);
    expect(iwhd.authorizations[0])
      .to.match(/^OAuth oauth_consumer_key="me", .*oauth_signature="[\w%]+"$/)
      .and.not.include('geheim');
  });

  it('signs as RFC 5849 has it', () => {
    // Computed with openssl dgst -sha1 -hmac from the base string of the RFC's rules.
    const header = oauthHeader(
      'put',
      new URL('http://localhost:9090/builds/x'),
      { key: 'k', secret: 's&' },
      { nonce: 'n', timestamp: 1 },
    );
    expect(header).to.include('oauth_signature="wbPF0QxAQfOOWxx5GlL2Tv8RyPk%3D"');
  });

  it('refuses what is no address of a warehouse', () => {
    for (const url of ['ftp://h/', 'nonsense', 'http://me:geheim@h/']) {
      expect(() => new WarehouseRepository(url)).to.throw(
        /must be an http or https URL without user and password$/,
      );
    }
    expect(() => new WarehouseRepository('http://h/', { buckets: { image: '_new' } })).to.throw(
      'the bucket "_new"',
    );
  });
});
