import type { OsPlugin } from '@imagefactory/plugin-api';
import { fakeTemplate } from '@imagefactory/plugin-api/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { bundledPlugins } from './index.js';
import { fakeCloud, fakeOs } from '@imagefactory/factory/testing';
import { PluginSet } from '@imagefactory/factory/plugins';

const debian = fakeTemplate({
  name: 'x',
  os: { name: 'Debian', version: '12', arch: 'x86_64', install: { type: 'url', url: 'http://h/' } },
});

describe('PluginSet', () => {
  const set = new PluginSet(bundledPlugins());

  it('gives any template to the mock for the target mock', () => {
    for (const template of [fakeTemplate(), debian]) {
      const { os, cloud } = set.plan(template, 'mock');
      expect([os.name, cloud.name]).to.deep.equal(['mock', 'mock']);
    }
  });

  it('chooses by operating system and target otherwise', () => {
    const { os, cloud } = set.plan(debian, 'openstack-kvm');
    expect([os.name, cloud.name]).to.deep.equal(['debian', 'openstack-kvm']);
  });

  it('names the targets that it has', () => {
    expect(() => set.plan(debian, 'moon')).to.throw(
      '"moon" is no target of this agent; known here: mock, openstack-kvm',
    );
    expect(() => set.plan(debian, '')).to.throw('it is empty; known here: mock, openstack-kvm');
    expect(() => new PluginSet([]).plan(debian, 'x')).to.throw('this agent has none');
  });

  it('names the systems that it builds', () => {
    const fedora = fakeTemplate({ ...debian, os: { ...debian.os!, name: 'Fedora', version: '14' } });
    expect(() => set.plan(fedora, 'openstack-kvm')).to.throw(
      'no plugin of this agent builds "Fedora 14 x86_64"; supported: Debian 11, 12 and 13 on x86_64',
    );
    expect(() => set.plan(fakeTemplate(), 'openstack-kvm')).to.throw(
      'the template names no operating system',
    );
  });

  it('refuses what the plugin would leave out without a word', () => {
    const keyed = fakeTemplate({ ...debian, os: { ...debian.os!, productKey: 'AAAA' } });
    expect(() => set.plan(keyed, 'openstack-kvm')).to.throw(
      'the plugin debian does not act on <key> in <os>; remove that from the template',
    );
    expect(set.plan(keyed, 'mock').os.name).to.equal('mock');
    const serving: OsPlugin = { ...fakeOs(), name: 'serving', serves: ['product-key'] };
    const plugins = bundledPlugins().filter(({ name }) => name !== 'debian');
    expect(new PluginSet([serving, ...plugins]).plan(keyed, 'openstack-kvm').os.name).to.equal('serving');
  });

  it('takes a plugin that throws out of the choice', () => {
    const broken: OsPlugin = {
      ...fakeOs(),
      name: 'broken',
      supports: () => {
        throw new Error('oops');
      },
    };
    expect(new PluginSet([broken, ...bundledPlugins()]).plan(debian, 'openstack-kvm').os.name).to.equal(
      'debian',
    );
  });

  it('refuses two of a name or target', () => {
    expect(() => new PluginSet([fakeOs(), fakeOs()])).to.throw('the OS plugin mock is there twice');
    expect(() => new PluginSet([fakeCloud(), { ...fakeCloud(), name: 'other' }])).to.throw(
      'the target mock is there twice',
    );
  });
});
