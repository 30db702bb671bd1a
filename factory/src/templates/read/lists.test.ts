import { BuildError } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { parseTemplate } from '../index.js';

/** The message of the template's first error; undefined for a good one. */
function refusal(part: string): string | undefined {
  try {
    parseTemplate(`<template><name>x</name>${part}</template>`);
    return undefined;
  } catch (error) {
    if (error instanceof BuildError && error.code === 'template_invalid') return error.message;
    throw error;
  }
}

const file = (path: string): string => `<files><file name="${path}" type="raw">x</file></files>`;
const item = (name: string): string => `<packages><package name="${name}"/></packages>`;

describe('the files of a template', () => {
  for (const [place, paths] of [
    ['/run', ['/run/x', '/run', '/var/run/x/y', '//run//x', '/./run/x', '/var/./lock/x', '/run/systemd/x']],
    ['/dev', ['/dev/null', '/dev/shm/x', '/dev//x']],
    ['/proc', ['/proc/sys/kernel/hostname', '/etc/mtab', '/proc/self/root/etc/motd']],
    ['/sys', ['/sys', '/sys/class/x']],
  ] as const) {
    it(`are refused in ${place}, also by another name, with the reason`, () => {
      for (const path of paths) {
        expect(refusal(file(path)), path)
          .to.include(`what is in ${place} is made anew at each boot`)
          .and.include(path)
          .and.include('tmpfiles.d');
      }
    });
  }

  it('may have names that only look like those', () => {
    for (const path of [
      '/etc/run',
      '/runner/x',
      '/device',
      '/system',
      '/var/runs/x',
      '/etc/mtab.d/x',
      '/srv/dev/x',
    ]) {
      expect(refusal(file(path)), path).to.equal(undefined);
    }
  });

  it('are files, not directories', () => {
    for (const path of ['/etc/', '/etc/.', '/etc/../motd', 'etc/motd', '/..']) {
      expect(refusal(file(path)), path).to.include('write the absolute path of a file');
    }
  });
});

describe('the packages of a template', () => {
  it('may be groups with blanks in their names', () => {
    for (const name of [
      '@Office Suite and Productivity',
      '@base',
      '@^Server with GUI',
      '@Virtualization Hypervisor (KVM)',
      '@Administration Tools',
      '@C Development Tools &amp; Libraries',
      '@.NET Development',
      '@3D Printing',
      '@Büro und Produktivität',
      '@Советы разработчика',
      '@web-server (2.4), minimal',
      'bash',
      'g++-12',
      '@core',
    ]) {
      expect(refusal(item(name)), name).to.equal(undefined);
    }
  });

  it('are refused where a tool could take them for something else', () => {
    for (const name of [
      'two words',
      '@ Office',
      '@a  b',
      '@a --purge',
      '@a -x',
      '--purge',
      'a;b',
      '@',
      '@ ',
      '@-x',
      '@a;b',
      '@a $(b)',
      '@a &#10;b',
      '@a\u00a0b',
    ]) {
      expect(refusal(item(name)), name).to.include('is no name of a package');
    }
  });
});
