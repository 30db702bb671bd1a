import { type Requirement } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { describeReport } from '../cli/doctor.js';
import { fakeCloud, fakeOs } from '@imagefactory/factory/testing';
import { doctorReport } from './doctor.js';

const requirements: readonly Requirement[] = [
  { need: 'qemu-img', state: 'met', detail: '/usr/bin/qemu-img' },
  { need: 'kvm', state: 'degraded', detail: 'no /dev/kvm', remedy: 'load the module' },
  { need: 'mmdebstrap', state: 'missing', detail: 'not installed', remedy: 'apt-get install mmdebstrap' },
];

describe('doctorReport', () => {
  it('tells what each plugin lacks and how to get it', async () => {
    const report = await doctorReport([
      { ...fakeOs(), name: 'debian', doctor: () => Promise.resolve({ requirements }) },
      fakeCloud(),
    ]);
    expect(report).to.deep.equal({
      ready: false,
      plugins: [
        { kind: 'os', name: 'debian', summary: 'for tests', ready: false, requirements },
        {
          kind: 'cloud',
          name: 'mock',
          summary: 'for tests',
          targets: ['mock'],
          ready: true,
          requirements: [],
        },
      ],
    });
    expect(describeReport(report)).to.equal(`NOT READY  OS plugin debian: for tests
             ok       qemu-img: /usr/bin/qemu-img
             limited  kvm: no /dev/kvm
                      remedy: load the module
             missing  mmdebstrap: not installed
                      remedy: apt-get install mmdebstrap

ready      cloud plugin mock: for tests; targets: mock

To make every plugin ready:
  apt-get install mmdebstrap
`);
  });

  it('outlives a plugin that fails at it', async () => {
    const doctor = (): Promise<never> => {
      throw new Error('oops');
    };
    const { ready, plugins } = await doctorReport([{ ...fakeOs(), doctor }]);
    expect(ready).to.equal(false);
    expect(plugins[0]?.requirements[0]?.detail).to.equal('its own examination failed: oops');
  });
});
