import type { CloudPlugin } from '@imagefactory/plugin-api';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { recordingLogger } from '../../testing/recording-logger.js';
import { rejection } from '../../testing/until.js';
import { fakeCloud } from '../../testing/fake-plugins.js';
import { PluginSet } from '../plugins.js';
import { assertDeclared, createProviders, ProviderError, readCredentials } from './index.js';

describe('finding a provider', () => {
  let directory: string;
  let log: ReturnType<typeof recordingLogger>;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'providers-test-'));
    log = recordingLogger();
  });
  afterEach(() => rm(directory, { recursive: true }));

  const find = (text: string) =>
    createProviders(directory, name => /^(ec2|rackspace|mock)/.exec(name)?.[0], log).find(text);

  it('goes by the beginning of a name, if a plugin knows it', async () => {
    for (const [name, target] of [
      ['ec2-us-east-1', 'ec2'],
      ['rackspace', 'rackspace'],
      ['mock-provider1', 'mock'],
    ] as const) {
      expect(await find(name)).to.deep.equal({ target, provider: { name }, secrets: [] });
    }
    expect(await find('somewhere')).to.deep.equal({ provider: { name: 'somewhere' }, secrets: [] });
  });

  it('goes by the target of a definition in XML or JSON', async () => {
    const expected = {
      target: 'rhevm',
      provider: {
        name: 'r1',
        definition: { target: 'rhevm', name: 'r1', timeout: '1800', password: 's3cret' },
      },
      secrets: ['s3cret'],
    };
    expect(
      await find('{"target": "rhevm", "name": "r1", "timeout": 1800, "password": "s3cret", "more": []}'),
    ).to.deep.equal(expected);
    expect(
      await find(
        '<provider target="rhevm" name="r1"><timeout>1800</timeout><password>s3cret</password></provider>',
      ),
    ).to.deep.equal(expected);
    expect((await find('{"target": "mock"}')).provider.name).to.equal('mock');
  });

  it('goes by the names in the file of a target, as it is at that moment', async () => {
    expect(await find('cellar')).not.to.have.property('target');
    await writeFile(join(directory, 'rhevm.json'), '{"cellar": {"api-url": "https://r/"}}');
    await writeFile(join(directory, 'vsphere.json'), '{"attic": {"api-url": "https://v/"}}');
    expect(await find('cellar')).to.deep.include({
      target: 'rhevm',
      provider: { name: 'cellar', definition: { 'api-url': 'https://r/' } },
    });
    expect(await find('attic')).to.include({ target: 'vsphere' });
    expect(await find('toString')).not.to.have.property('target');
    await writeFile(join(directory, 'rhevm.json'), '{"password": s3cret}');
    expect(await find('attic')).to.include({ target: 'vsphere' });
    expect(log.lines.join('\n')).to.contain('rhevm.json cannot be used').and.not.contain('s3cret');
  });

  it('refuses what is none of these, and quotes no definition', async () => {
    for (const text of [
      '',
      ' ',
      '{"target": ',
      '{"name": "x", "password": "s3cret"}',
      '<provider password="s3cret"',
      '<provider password="s3cret"/>',
      '<!DOCTYPE p [<!ENTITY x "y">]><p target="&x;"/>',
      'two\nlines',
      'x'.repeat(300),
    ]) {
      const error = await rejection(find(text));
      expect(error, text).to.be.instanceOf(ProviderError).and.include({ argument: 'providers' });
      expect(error.message).not.to.contain('s3cret');
    }
  });
});

describe('reading credentials', () => {
  it('gives the fields of each kind, and all that must not be shown', () => {
    const text = `<?xml version="1.0"?>
      <provider_credentials><mock_credentials><username>anna</username><password> p&amp;ssw0rd </password></mock_credentials>
      <ec2_credentials><certificate><![CDATA[-----BEGIN]]></certificate></ec2_credentials></provider_credentials>`;
    const { credentials, secrets } = readCredentials(text);
    expect(credentials.kinds).to.deep.equal(['mock', 'ec2']);
    expect(credentials.of('mock')).to.deep.equal({ username: 'anna', password: 'p&ssw0rd' });
    expect(credentials.of('ec2')).to.deep.equal({ certificate: '-----BEGIN' });
    expect(credentials.of('toString')).to.equal(undefined);
    expect(secrets).to.include.members([text, 'p&ssw0rd', '-----BEGIN']).and.not.include('anna');
  });

  it('refuses everything else without quoting it', () => {
    for (const text of [
      '',
      's3cret',
      '<mock_credentials/>',
      '<provider_credentials>s3cret',
      '{"a": "s3cret"}',
    ]) {
      expect(() => readCredentials(text), text)
        .to.throw(ProviderError)
        .that.satisfies(
          (error: ProviderError) => error.argument === 'credentials' && !error.message.includes('s3cret'),
        );
    }
  });
});

describe('what a plugin declares of its providers', () => {
  const cloud: CloudPlugin = {
    ...fakeCloud(),
    name: 'attic',
    providers: {
      names: { 'attic-': 'mock' },
      definition: {
        type: 'object',
        additionalProperties: false,
        required: ['url'],
        properties: { url: { type: 'string' } },
      },
      credentials: {
        kind: 'attic',
        fields: { type: 'object', required: ['key'], properties: { key: { type: 'string', minLength: 1 } } },
      },
    },
  };
  const credentialsOf = (fields: string) =>
    readCredentials(`<provider_credentials>${fields}</provider_credentials>`).credentials;
  const good = credentialsOf('<attic_credentials><key>s3cret</key></attic_credentials>');

  it('is what orders have to follow', () => {
    assertDeclared(cloud, { name: 'attic-1' }, good);
    assertDeclared(cloud, { name: 'a', definition: { target: 'mock', name: 'a', url: 'https://a/' } }, good);
    for (const [definition, credentials, argument, text] of [
      [{ url: 'https://a/', passwort: 's3cret' }, good, 'providers', 'passwort is unknown'],
      [{}, good, 'providers', 'url is missing'],
      [undefined, credentialsOf(''), 'credentials', 'attic takes attic credentials, none given; give <prov'],
      [
        undefined,
        credentialsOf('<mock_credentials><username>a</username></mock_credentials>'),
        'credentials',
        'mock given',
      ],
      [
        undefined,
        credentialsOf('<attic_credentials><kei>s3cret</kei></attic_credentials>'),
        'credentials',
        'key is missing',
      ],
      [
        undefined,
        credentialsOf('<attic_credentials><key/></attic_credentials>'),
        'credentials',
        'key must NOT have fewer than 1 characters',
      ],
    ] as const) {
      const provider = { name: 'attic-1', ...(definition === undefined ? {} : { definition }) };
      expect(() => assertDeclared(cloud, provider, credentials), text)
        .to.throw(ProviderError)
        .that.satisfies(
          (error: ProviderError) =>
            error.argument === argument && error.message.includes(text) && !error.message.includes('s3cret'),
        );
    }
  });

  it('decides by the longest beginning of a name, among plugins that push', () => {
    const push = (): never => {
      throw new Error('is not called');
    };
    const named = (name: string, names: Readonly<Record<string, string>>): CloudPlugin => ({
      ...fakeCloud(),
      ...{ name, targets: Object.values(names), providers: { names }, push },
    });
    const set = new PluginSet([named('one', { 'a-': 'a' }), named('two', { 'a-b': 'b' }), fakeCloud()]);
    expect(set.targetOfProvider('a-x')).to.equal('a');
    expect(set.targetOfProvider('a-bc')).to.equal('b');
    expect(set.targetOfProvider('mock-one')).to.equal(undefined);
    expect(set.providerNames).to.deep.equal(['a-', 'a-b']);
  });

  it('is refused at the start if it is no JSON Schema', () => {
    const wrong = { ...cloud, providers: { definition: { type: 'sentence' } } };
    expect(() => new PluginSet([wrong])).to.throw('plugin attic declares no JSON Schema');
  });
});
