import { BuildError } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { parseTemplate } from './index.js';

const os = `<os><name>Debian</name><version>12</version><arch>x86_64</arch>
<install type="url"><url>http://os.example.org/debian/</url></install></os>`;
const around = (parts: string): string => `<template><name>x</name>${parts}</template>`;

function messageOf(text: string): string {
  try {
    parseTemplate(text);
  } catch (error) {
    if (error instanceof BuildError && error.code === 'template_invalid') return error.message;
    throw error;
  }
  throw new Error(`taken without an error: ${text}`);
}

describe('parseTemplate', () => {
  it('takes the minimal templates of the mock', () => {
    const empty = {
      name: '',
      packages: [],
      repositories: [],
      files: [],
      commands: [],
      precommands: [],
      text: '',
    };
    for (const text of ['<template></template>', '<template/>', '\uFEFF<template>\n</template>\n']) {
      expect(parseTemplate(text)).to.deep.equal(empty);
    }
    expect(parseTemplate('<template> FAIL\n</template>')).to.deep.equal({ ...empty, text: 'FAIL' });
  });

  it('reads everything that the model holds', () => {
    const template = parseTemplate(`<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment -->
<template version="1.0">
  <name> web </name>
  <description>a &amp; b</description>
  <os>
    <name>Debian</name><version>12</version><arch>x86_64</arch>
    <install type='url'><url> http://os.example.org/debian/ </url></install>
    <rootpw> p&lt;w </rootpw>
    <kernelparam>quiet</kernelparam>
  </os>
  <packages><package name="vim"/><package name="g++"/><package name="vim"/></packages>
  <repositories>
    <repository name="a"><url>http://example.com/a</url><signed>YES</signed></repository>
    <repository name="b"><url>https://example.com/b</url><persisted>no</persisted><sslverify>false</sslverify></repository>
  </repositories>
  <files>
    <file name="/etc/a">one
two</file>
    <file name="/etc/b" type="base64">AAH/</file>
    <file name="/etc/empty" type="base64"></file>
    <file name="/etc/c"><![CDATA[<x>&]]></file>
  </files>
  <precommands><command name="p">true</command></precommands>
  <commands>
    <command name="second" position="2">b</command>
    <command name="first" position="1" type="base64">ZWNobyBoaQ==</command>
  </commands>
  <disk><size>5 GB</size></disk>
</template>`);
    expect(template).to.deep.equal({
      name: 'web',
      description: 'a & b',
      os: {
        name: 'Debian',
        version: '12',
        arch: 'x86_64',
        install: { type: 'url', url: 'http://os.example.org/debian/' },
        rootPassword: ' p<w ',
        kernelParameters: 'quiet',
      },
      packages: [{ name: 'vim' }, { name: 'g++' }, { name: 'vim' }],
      repositories: [
        { name: 'a', url: 'http://example.com/a', signed: true, persisted: true },
        { name: 'b', url: 'https://example.com/b', signed: false, persisted: false },
      ],
      files: [
        { path: '/etc/a', content: Buffer.from('one\ntwo') },
        { path: '/etc/b', content: Buffer.from([0, 1, 255]) },
        { path: '/etc/empty', content: Buffer.alloc(0) },
        { path: '/etc/c', content: Buffer.from('<x>&') },
      ],
      precommands: [{ name: 'p', script: 'true' }],
      commands: [
        { name: 'first', script: 'echo hi' },
        { name: 'second', script: 'b' },
      ],
      diskSize: 5_000_000_000,
      text: '',
    });
  });

  it('reads an ISO, and a template without an operating system', () => {
    const iso = os.replace(
      /<install.*install>/,
      '<install type="iso"><iso>http://example.com/a.iso</iso></install>',
    );
    expect(parseTemplate(around(iso)).os?.install).to.deep.equal({
      type: 'iso',
      iso: 'http://example.com/a.iso',
    });
    expect(parseTemplate(around(''))).to.not.have.property('os');
  });

  for (const [size, bytes] of [
    ['10', 10 * 1024 ** 3],
    ['10G', 10 * 1024 ** 3],
    ['1t', 1024 ** 4],
    ['512 B', 512],
    ['3kB', 3000],
    ['3 KiB', 3072],
    ['20 mib', 20 * 1024 ** 2],
    ['1PB', 1000 ** 5],
  ] as const) {
    it(`reads the disk size ${size}`, () => {
      expect(parseTemplate(around(`<disk><size>${size}</size></disk>`)).diskSize).to.equal(bytes);
    });
  }

  const bad: readonly (readonly [string, string, string])[] = [
    ['nothing', '', 'the template is empty; give TDL text such as <template>…</template>'],
    ['blanks', ' \n ', 'the template is empty; give TDL text such as <template>…</template>'],
    ['mere text', 'hello', 'the text given is no XML; give the TDL text itself: <template>…</template>'],
    [
      'a URL',
      'http://example.com/t.tdl',
      "a URL, 'http://example.com/t.tdl', was given; give the TDL text itself: <template>…</template>",
    ],
    [
      'a uuid',
      '0b3f0c3e-1111-4222-8333-444455556666',
      "a uuid, '0b3f0c3e-1111-4222-8333-444455556666', was given; give the TDL text itself: <template>…</template>",
    ],
    [
      'an element that is not closed',
      '<template>\n <name>x</template>',
      'line 2, column 9: <name> begun on line 2 is closed under another name; close it first, or write the same name in both tags',
    ],
    [
      'a document that breaks off',
      '<template>',
      'line 1, column 1: <template> is not closed; write </template> where it ends',
    ],
    [
      'two roots',
      '<template/><template/>',
      'line 1, column 12: there is something after the end of the root element; remove it; a document is one <template>',
    ],
    [
      'an attribute without quotes',
      '<template version=1.0/>',
      'line 1, column 11: the value of an attribute is not in quotes; write name="value"',
    ],
    [
      'a bare ampersand',
      '<template>\n <name>a & b</name></template>',
      "line 2, column 10: this '&' begins no entity that XML knows; write &amp; for the character itself",
    ],
    [
      'an unknown entity',
      '<template>&file;</template>',
      "line 1, column 11: this '&' begins no entity that XML knows; write &amp; for the character itself",
    ],
    [
      'a reference to a control character',
      '<template>&#0;</template>',
      'line 1, column 11: this character reference names no character that XML allows; remove it',
    ],
    [
      'a control character',
      '<template>\u0007</template>',
      'line 1, column 11: the control character U+0007 is not allowed; remove it, or put binary content into a <file type="base64">',
    ],
    [
      'a DOCTYPE',
      '<!DOCTYPE t [<!ENTITY e SYSTEM "file:///etc/passwd">]><template>&e;</template>',
      'line 1, column 1: DOCTYPE and entity declarations are not allowed; remove them and write the text itself',
    ],
    [
      'a processing instruction',
      '<template><?php x?></template>',
      'line 1, column 11: processing instructions are not allowed; remove it; only <?xml …?> at the very beginning is taken',
    ],
    [
      'a comment without an end',
      '<template><!-- x</template>',
      'line 1, column 11: this comment is not closed; close it with -->',
    ],
    [
      'another root',
      '<templ/>',
      "line 1, column 1: the root element is 'templ'; a TDL document begins with <template>",
    ],
    [
      'a later version',
      '<template version="1.1"/>',
      `line 1, column 19: <template> has the version '1.1'; this agent reads version="1.0"; leave the attribute out if in doubt`,
    ],
    [
      'an unknown element with a near one',
      around('\n<package/>'),
      "line 2, column 1: <template> has the unknown element 'package'; did you mean packages? " +
        'Known here: name, os, description, packages, repositories, files, commands, precommands, disk',
    ],
    [
      'an unknown attribute',
      around('<packages><package nmae="x"/></packages>'),
      "line 1, column 49: <package> has the unknown attribute 'nmae'; did you mean name? Known here: name",
    ],
    [
      'a second element',
      around('<name>y</name>'),
      'line 1, column 25: <template> has a second <name>; one is allowed; remove the other',
    ],
    [
      'text between elements',
      around('oops'),
      'line 1, column 25: <template> has text between its elements; remove the text, or put it into an element',
    ],
    [
      'no name',
      '<template><description>x</description></template>',
      'line 1, column 1: <template> has no <name>; add <name>my-image</name> to it',
    ],
    [
      'an empty name',
      '<template><name> </name></template>',
      'line 1, column 11: <name> is empty; write <name>my-image</name>',
    ],
    [
      'no version',
      around(os.replace('<version>12</version>', '')),
      'line 1, column 25: <os> has no <version>; add <version>12</version> to it',
    ],
    [
      'an unknown architecture',
      around(os.replace('x86_64', 'vax')),
      "line 1, column 69: <arch> is 'vax'; write one of i386, x86_64, ppc64, ppc64le, aarch64, armv7l, s390x",
    ],
    [
      'no type of install',
      around(os.replace(' type="url"', '')),
      'line 2, column 1: <install> has no attribute type; write <install type="url">',
    ],
    [
      'the wrong child of install',
      around(os.replace('type="url"', 'type="iso"')),
      'line 2, column 21: <install type="iso"> has an <url>; write <iso>http://example.com/image.iso</iso> in its place',
    ],
    [
      'a file: URL',
      around(os.replace('http://os.example.org/debian/', 'file:///etc/')),
      "line 2, column 21: <url> names a file, which would be read from the factory's own machine; put it on a server and write a URL such as http://mirror.example.org/debian/",
    ],
    [
      'an empty password',
      around(os.replace('</os>', '<rootpw/></os>')),
      'line 2, column 71: <rootpw> is empty; write a password, or leave the element out for a locked account',
    ],
    [
      'a password that is none',
      around(os.replace('</os>', `<rootpw>${'p'.repeat(513)}</rootpw></os>`)),
      'line 2, column 71: <rootpw> has more than 512 characters; choose a shorter password',
    ],
    [
      'a URL that is none',
      around(os.replace('debian/<', `${'u'.repeat(2048)}<`)),
      'line 2, column 21: <url> has more than 2048 characters; write a URL such as http://mirror.example.org/debian/',
    ],
    [
      'an option in place of a package',
      around('<packages><package name="--purge"/></packages>'),
      "line 1, column 49: '--purge' is no name of a package; write letters, digits and . + - _ :",
    ],
    [
      'a relative file',
      around('<files><file name="etc/motd">x</file></files>'),
      "line 1, column 43: <file> has the name 'etc/motd'; write the absolute path of a file inside the image, without ..",
    ],
    [
      'a file outside of the image',
      around('<files><file name="/../etc/motd">x</file></files>'),
      "line 1, column 43: <file> has the name '/../etc/motd'; write the absolute path of a file inside the image, without ..",
    ],
    [
      'a file that is to be fetched',
      around('<files><file name="/a" type="url">file:///etc/shadow</file></files>'),
      "line 1, column 32: <file> names a file, which would be read from the factory's own machine; put it on a server and write a URL such as http://example.com/file",
    ],
    [
      'wrong base64',
      around('<files><file name="/a" type="base64">AAA</file></files>'),
      'line 1, column 32: <file> says type="base64", and its content is none; encode it again without line breaks, e.g. with base64 -w0',
    ],
    [
      'a local repository',
      around('<repositories><repository name="r"><url>http://localhost/</url></repository></repositories>'),
      'line 1, column 60: <url> names the local host, which is another machine inside the image; write a name or address that the image can reach',
    ],
    [
      'a boolean that is none',
      around(
        '<repositories><repository name="r"><url>http://a/</url><signed>1</signed></repository></repositories>',
      ),
      "line 1, column 80: <signed> is '1'; write yes or no",
    ],
    [
      'an empty command',
      around('<commands><command name="c"> </command></commands>'),
      'line 1, column 35: this <command> is empty; write a script, or remove it',
    ],
    [
      'positions for some',
      around('<commands><command name="a" position="1">a</command><command name="b">b</command></commands>'),
      'line 1, column 77: this <command> has no position, and others have; give all commands of <commands> one, 1 to 2, or none',
    ],
    [
      'a position twice',
      around(
        '<commands><command name="a" position="1">a</command><command name="b" position="1">b</command></commands>',
      ),
      'line 1, column 104: position 1 is given twice; give all commands of <commands> one, 1 to 2, or none',
    ],
    [
      'a gap in the positions',
      around('<commands><command name="a" position="3">a</command></commands>'),
      'line 1, column 62: position 3 leaves a gap; give all commands of <commands> one, 1 to 1, or none',
    ],
    [
      'a size that is none',
      around('<disk><size>10E</size></disk>'),
      "line 1, column 31: <size> is '10E'; write digits and a unit, such as 10 GiB or 500 MB",
    ],
    [
      'a size that no disk has',
      around('<disk><size>1 YB</size></disk>'),
      "line 1, column 31: <size> is '1 YB', which no disk has; write a size above 0 and below 8 PiB",
    ],
    [
      'a blank that is none of XML',
      around(os.replace('x86_64', '\u00a0x86_64')),
      "line 1, column 69: <arch> is '\\u00a0x86_64'; did you mean x86_64? Write one of i386, x86_64, ppc64, ppc64le, aarch64, armv7l, s390x",
    ],
    [
      'a name of Object.prototype',
      around('<constructor/>'),
      "line 1, column 25: <template> has the unknown element 'constructor'; known here: name, os, description, packages, repositories, files, commands, precommands, disk",
    ],
  ];
  for (const [what, text, message] of bad) {
    it(`refuses ${what}`, () => expect(messageOf(text)).to.equal(message));
  }

  it('refuses what is too large, by bytes and by elements', () => {
    expect(messageOf(`<template>${'ä'.repeat(1 << 20)}</template>`)).to.equal(
      'the template has more than 2097152 bytes; put large files where <commands> can fetch them',
    );
    expect(messageOf(around(`<packages>${'<package name="a"/>'.repeat(20_001)}</packages>`))).to.include(
      'a template may have at most 20000 elements',
    );
    expect(parseTemplate(`<template>${' '.repeat(1_000_000)}</template>`).text).to.equal('');
  });

  it('never quotes a password, however the document is broken', () => {
    const secrets = [
      's3<cret/>x',
      's3<cret',
      's3cret</rootpx>',
      '<![CDATA[s3cret',
      's3&cret;',
      's3<cret a=s3cret>',
      's3\u0001cret',
    ];
    for (const secret of secrets) {
      const message = messageOf(around(os.replace('</os>', `<rootpw>${secret}</rootpw></os>`)));
      expect(message, secret).not.to.match(/s3|cret/);
    }
  });

  it('gives a BuildError, and nothing else, for any text', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '<template>',
        '</template>',
        '<name>',
        '</name>',
        '<os>',
        '</os>',
        '<!--',
        '-->',
        '<![CDATA[',
        ']]>',
        '&amp;',
        '"',
        "='",
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), pieces => {
        const text = pieces.join('');
        try {
          parseTemplate(text);
        } catch (error) {
          expect(error).to.be.instanceOf(BuildError);
        }
      }),
    );
  });
});
