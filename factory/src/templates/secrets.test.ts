import { createMask } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { parseTemplate, publicDescriptor, readTemplate, templateSecrets } from './index.js';

function shown(text: string): string {
  return publicDescriptor(text, createMask(templateSecrets(parseTemplate(text))));
}

const around = (password: string, rest = ''): string =>
  `<template><name>x</name><os><name>D</name><version>1</version><arch>x86_64</arch><install type="url"><url>http://u:urlpass%21@h/</url></install><rootpw>${password}</rootpw></os>${rest}</template>`;

describe('publicDescriptor', () => {
  it('keeps the text and hides the passwords', () => {
    expect(shown(around('geheim'))).to.equal(around('***').replace('urlpass%21', '***'));
    expect(shown('<template></template>')).to.equal('<template></template>');
  });

  it('hides a password wherever it stands, in comments and commands too', () => {
    const text = around(
      'geheim',
      '<!-- it is geheim --><commands><command name="c">echo root:geheim</command></commands>',
    );
    expect(shown(text)).to.include('<!-- it is *** -->').and.not.to.include('geheim');
  });

  it('leaves the markup alone, whatever word the password is', () => {
    const rest =
      '<description>root of all</description><!-- root --><files><file name="/root" type="raw"><![CDATA[root]]></file></files>';
    for (const password of ['root', 'name', 'e', 'raw', 'CDATA', 'type', 'xml', 'rootpw', '"', '<', '--']) {
      const text = `<?xml version="1.0"?>${around(password.replace('<', '&lt;'), rest)}`;
      const result = shown(text);
      expect(result, password).to.include('<rootpw>***</rootpw>').and.to.include('type="raw"');
      expect(readTemplate(result).valid, result).to.equal(true);
    }
    const sesame = rest.replaceAll('root', 'sesame');
    expect(shown(around('sesame', sesame))).to.include(
      '<description>*** of all</description><!-- *** --><files><file name="/***" type="raw"><![CDATA[***]]></file></files>',
    );
    // The gaps would say which common word it is.
    expect(shown(around('root', rest))).to.include(rest);
    const command = '<commands><command name="c">echo root:debian | chpasswd; ls debian</command></commands>';
    expect(shown(around('debian', command))).to.include('echo root:*** | chpasswd; ls debian<');
  });

  it('is not fooled by CDATA sections and comments', () => {
    for (const password of [
      '<![CDATA[geheim]]>',
      '<![CDATA[a</rootpw>geheim]]>',
      'a<!-- </rootpw> -->geheim',
      '<!--<rootpw>-->geheim',
    ]) {
      expect(shown(around(password)), password).not.to.include('geheim');
    }
    expect(
      shown(around('geheim', '<description><![CDATA[<rootpw>text</rootpw>]]></description>')),
    ).to.include('<rootpw>text</rootpw>');
  });

  it('hides a product key, and passwords in URLs of every kind', () => {
    const text = around(
      'geheim',
      '<files><file name="/a" type="url">http://me:p\'a:s@s1@h/x</file></files>',
    ).replace('</os>', '<key>AAAA-BBBB</key></os>');
    const { os } = parseTemplate(around('geheim').replace('</os>', '<key>AAAA-BBBB</key></os>'));
    const hidden = publicDescriptor(text, createMask(templateSecrets({ os: os!, repositories: [] })));
    expect(hidden).to.include('<key>***</key>').and.to.include('>http://me:***@h/x<');
    expect(hidden).not.to.match(/AAAA|s@s1/);
    const cut = '<!-- http://me:2024/geheim1@h/x, http://me:2024?geheim2@h -->';
    expect(publicDescriptor(cut, createMask([]))).to.not.match(/geheim/);
    expect(
      readTemplate(
        around('geheim').replace(/<url>[^<]*</, '<url>http://me:2024/geheim1@h.example/<'),
      ).problems.map(({ message }) => message),
    ).to.deep.equal(['<url> has an @ behind a path, where it may end a password']);
    const line = 'deb [arch=amd64] https://me:repo-geheim@h.example.org/ ./';
    expect(
      templateSecrets({ repositories: [{ name: 'r', url: line, signed: true, persisted: true }] }),
    ).to.include('repo-geheim');
  });

  it('hides any password, written in any of the ways of XML', () => {
    const password = fc.string({ minLength: 8, maxLength: 20 }).filter(text => text.trim().length >= 8);
    const written = fc.tuple(password, fc.constantFrom('entities', 'references', 'cdata'));
    fc.assert(
      fc.property(written, ([secret, how]) => {
        const entities = secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
        const references = Array.from(secret, letter => `&#${letter.codePointAt(0) ?? 0};`).join('');
        const cdata = `<![CDATA[${secret.replaceAll(']]>', ']] >')}]]>`;
        const text = around({ entities, references, cdata }[how], `<description>${entities}</description>`);
        const result = shown(text);
        expect(result).to.match(/<rootpw>\*\*\*<\/rootpw>/);
        expect(result).not.to.include(references);
        if (how !== 'cdata') expect(result).not.to.include(entities);
      }),
    );
  });
});
