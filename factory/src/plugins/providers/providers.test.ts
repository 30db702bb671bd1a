import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { recordingLogger } from '../../testing/recording-logger.js';
import { rejection } from '../../testing/until.js';
import { createProviders, ProviderError, readCredentials } from './index.js';

describe('finding a provider', () => {
  let directory: string;
  let log: ReturnType<typeof recordingLogger>;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'providers-test-'));
    log = recordingLogger();
  });
  afterEach(() => rm(directory, { recursive: true }));

  const find = (text: string) => createProviders(directory, log).find(text);

  it('goes by the beginning of a name', async () => {
    for (const [name, target] of [
      ['ec2-us-east-1', 'ec2'],
      ['rackspace', 'rackspace'],
      ['mock-provider1', 'mock'],
      ['somewhere', 'condorcloud'],
    ] as const) {
      expect(await find(name)).to.deep.equal({ target, provider: { name }, secrets: [] });
    }
    expect(log.lines).to.deep.equal(['warn: provider "somewhere" is taken for one of condorcloud']);
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

  it('goes by the names in rhevm.json and vsphere.json, as they are at that moment', async () => {
    expect(await find('cellar')).to.include({ target: 'condorcloud' });
    await writeFile(join(directory, 'rhevm.json'), '{"cellar": {"api-url": "https://r/"}}');
    await writeFile(join(directory, 'vsphere.json'), '{"attic": {"api-url": "https://v/"}}');
    expect(await find('cellar')).to.deep.include({
      target: 'rhevm',
      provider: { name: 'cellar', definition: { 'api-url': 'https://r/' } },
    });
    expect(await find('attic')).to.include({ target: 'vsphere' });
    expect(await find('toString')).to.include({ target: 'condorcloud' });
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
