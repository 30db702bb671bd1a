import { parseTemplate } from '@imagefactory/agent';
import type { CloudPlugin, Diagnosis, OsPlugin } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { whatIsMissing } from './what-is-missing.js';

const lacking: Diagnosis = {
  requirements: [
    { need: 'tar', state: 'met', detail: '/bin/tar' },
    { need: 'mmdebstrap', state: 'missing', detail: 'not on the PATH', remedy: 'apt-get install mmdebstrap' },
    { need: 'KVM', state: 'degraded', detail: 'not usable', remedy: 'none' },
  ],
};

const os = (name: string, diagnosis: Diagnosis): OsPlugin => ({
  kind: 'os',
  name,
  summary: name,
  supports: template => template.os?.name === name,
  doctor: () => Promise.resolve(diagnosis),
  buildBase: () => Promise.reject(new Error('not built here')),
});

const cloud: CloudPlugin = {
  kind: 'cloud',
  name: 'cloud',
  summary: 'cloud',
  targets: ['cloud'],
  doctor: () => Promise.resolve({ requirements: [] }),
  buildTarget: () => Promise.reject(new Error('not built here')),
};

const template = parseTemplate(
  '<template><name>x</name><os><name>one</name><version>1</version><arch>x86_64</arch><install type="url"><url>http://example.com/</url></install></os></template>',
);

describe('what the real demo needs', () => {
  it('is told with the command that gets it, for the plugins of this build alone', async () => {
    expect(
      await whatIsMissing([os('one', lacking), os('two', lacking), cloud], template, 'cloud'),
    ).to.deep.equal(['  one: mmdebstrap: not on the PATH; get it with: apt-get install mmdebstrap']);
  });

  it('is nothing where everything is there', async () => {
    expect(
      await whatIsMissing([os('one', { requirements: [] }), os('two', lacking), cloud], template, 'cloud'),
    ).to.deep.equal([]);
  });
});
