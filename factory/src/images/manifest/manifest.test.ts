import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstalledPackage } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { TargetImage } from '../persistent-image.js';
import { cyclonedxOf } from './cyclonedx.js';
import { icicleOf } from './icicle.js';

const deb = (name: string, version: string): InstalledPackage => ({
  name,
  version,
  arch: 'amd64',
  type: 'deb',
  vendor: 'debian',
});
const packages = [deb('zlib1g', '1:1.2.13'), deb('bash', '5.2.15-2+b2')];

/** ICICLE's grammar: an optional description, and packages with a name and perhaps something more. */
const grammar = `<grammar xmlns="http://relaxng.org/ns/structure/1.0"><start><element name="icicle"><interleave>
  <optional><element name="description"><text/></element></optional>
  <element name="packages"><zeroOrMore><element name="package"><attribute name="name"/>
    <optional><element name="extra"><text/></element></optional></element></zeroOrMore></element>
</interleave></element></start></grammar>`;

/** Where Debian's package oz has its own. */
const schemaOfOz = '/usr/lib/python3/dist-packages/oz/icicle.rng';

describe('manifests of packages', () => {
  it('are ICICLE, sorted and escaped', () => {
    expect(icicleOf(packages)).to.equal(
      '<icicle><packages><package name="bash"><extra>5.2.15-2+b2 amd64</extra></package>' +
        '<package name="zlib1g"><extra>1:1.2.13 amd64</extra></package></packages></icicle>',
    );
    expect(icicleOf([], 'a < b\0')).to.equal(
      '<icicle><description>a &lt; b?</description><packages></packages></icicle>',
    );
  });

  it('are valid by the grammar of ICICLE', function () {
    if (spawnSync('xmllint', ['--version']).error !== undefined) {
      console.log('        skipped: no xmllint (apt-get install libxml2-utils)');
      this.skip();
    }
    const directory = mkdtempSync(join(tmpdir(), 'icicle-test-'));
    try {
      const ours = join(directory, 'icicle.rng');
      writeFileSync(ours, grammar);
      const schema = existsSync(schemaOfOz) ? schemaOfOz : ours;
      const check = (xml: string) =>
        spawnSync('xmllint', ['--noout', '--relaxng', schema, '-'], { input: xml, encoding: 'utf8' }).status;
      expect(check(icicleOf(packages, 'x "<&>"'))).to.equal(0);
      expect(check(icicleOf([]))).to.equal(0);
      expect(check('<icicle><package/></icicle>')).not.to.equal(0);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('are CycloneDX, with package URLs and the digest of the image', () => {
    const image = new TargetImage({
      target: 'mock',
      sha256: 'a'.repeat(64),
      os: { name: 'Debian', version: '12', arch: 'x86_64' },
      created: '2026-01-01T00:00:00.000Z',
    });
    const bom = JSON.parse(cyclonedxOf(image, packages)) as Record<string, unknown>;
    expect(bom).to.include({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      serialNumber: `urn:uuid:${image.identifier}`,
    });
    expect(bom['metadata']).to.deep.include({ timestamp: '2026-01-01T00:00:00.000Z' });
    expect(JSON.stringify(bom['metadata'])).to.include('a'.repeat(64)).and.include('"Debian x86_64"');
    expect((bom['components'] as { purl: string }[]).map(({ purl }) => purl)).to.deep.equal([
      'pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12',
      'pkg:deb/debian/zlib1g@1%3A1.2.13?arch=amd64&distro=debian-12',
    ]);
  });
});
