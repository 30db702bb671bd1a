import { expect } from 'chai';
import { describe, it } from 'mocha';
import { describeProblem, type ReadOptions, readTemplate } from './index.js';

const os = `<os><name>Debian</name><version>12</version><arch>x86_64</arch>
<install type="url"><url>http://os.example.org/debian/</url></install></os>`;
const around = (parts: string): string => `<template><name>x</name>${os}${parts}</template>`;

function problemsOf(text: string | Uint8Array, options: ReadOptions = {}): readonly string[] {
  return readTemplate(text, options).problems.map(
    problem => `${problem.severity} ${problem.rule} ${describeProblem(problem)}`,
  );
}

describe('readTemplate', () => {
  it('tells all errors at once, in the order of the text', () => {
    const text = `<template>
  <name/>
  <os><name>Debian</name><arch>amd64</arch></os>
  <packges/>
  <commands><command name="a" position="2">x</command><command/></commands>
</template>`;
    expect(problemsOf(text)).to.deep.equal([
      'error empty-value line 2, column 3: <name> is empty; write <name>my-image</name>',
      'error missing-element line 3, column 3: <os> has no <version>; add <version>12</version> to it',
      'error missing-element line 3, column 3: <os> has no <install>; add <install type="url"><url>http://mirror.example.org/debian/</url></install> to it',
      "error wrong-value line 3, column 26: <arch> is 'amd64'; write one of i386, x86_64, ppc64, ppc64le, aarch64, armv7l, s390x",
      "error unknown-element line 4, column 3: <template> has the unknown element 'packges'; did you mean packages? " +
        'Known here: name, os, description, packages, repositories, files, commands, precommands, disk',
      'error missing-attribute line 5, column 55: <command> has no attribute name; write <command name="setup">',
      'error empty-command line 5, column 55: this <command> is empty; write a script, or remove it',
      'error command-order line 5, column 55: this <command> has no position, and others have; give all commands of <commands> one, 1 to 2, or none',
    ]);
  });

  it('tells the path of the element', () => {
    const { problems } = readTemplate(around('<repositories><repository name="r"/></repositories>'));
    expect(problems.map(({ path }) => path)).to.deep.equal(['/template/repositories/repository']);
  });

  it('keeps at most a hundred problems, and an error even behind as many warnings', () => {
    const packages = '<package name="a"/>'.repeat(300);
    const reading = readTemplate(
      around(`<packages>${packages}</packages><commands><command name="a"/></commands>`),
    );
    expect(reading.valid).to.equal(false);
    expect(reading.problems).to.have.lengthOf(101);
    expect(
      readTemplate(around(`<packages>${'<package/>'.repeat(300)}</packages>`)).problems,
    ).to.have.lengthOf(100);
  });

  for (const [what, parts, warnings] of [
    ['an empty list', '<files/>', ['warning empty-list line 2, column 76: <files> is empty; remove it']],
    [
      'a package twice',
      '<packages><package name="a"/><package name="a"/></packages>',
      ["warning repeated-package line 2, column 105: the package 'a' is listed already; remove one of them"],
    ],
    [
      'a file that is replaced',
      '<files><file name="/a">1</file><file name="/a">2</file></files>',
      [
        "warning replaced line 2, column 83: this <file> is replaced by a later one named '/a'; remove it, or rename one of them",
      ],
    ],
    [
      'a unit that older versions of Oz do not know',
      '<disk><size>900 MB</size></disk>',
      [
        "warning size-unit line 2, column 82: <size> has the unit MB, which older versions of Oz don't know; write G or T where others are to read the template",
      ],
    ],
    [
      'a certificate that is not there',
      '<repositories><repository name="r"><url>http://h.example.org/</url><sslverify>yes</sslverify></repository></repositories>',
      [
        'warning verify-without-tls line 2, column 143: <sslverify> is on, and <url> is not https; remove it, or use https',
      ],
    ],
  ] as const) {
    it(`takes ${what}, with a warning`, () => {
      const text = around(parts);
      expect(readTemplate(text).valid).to.equal(true);
      expect(problemsOf(text)).to.deep.equal(warnings);
    });
  }

  for (const [what, text, rule] of [
    [
      'XInclude',
      around('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'),
      'xinclude',
    ],
    [
      'XInclude by default namespace',
      around('<include xmlns="http://www.w3.org/2001/XInclude" href="a"/>'),
      'xinclude',
    ],
    ['a namespace', '<template xmlns="urn:x"/>', 'namespace'],
    ['a DOCTYPE', `<!DOCTYPE template SYSTEM "file:///etc/passwd">${around('')}`, 'doctype'],
    ['an entity', around('<description>&e;</description>'), 'reference'],
    ['too many levels', `${'<os>'.repeat(21)}${'</os>'.repeat(21)}`, 'too-deep'],
    [
      'too many attributes',
      `<template ${Array.from({ length: 21 }, (_, index) => `a${index}=""`).join(' ')}/>`,
      'too-many-attributes',
    ],
    ['too many elements', around('<files/>'.repeat(20_001)), 'too-many-elements'],
    ['too many bytes', 'x'.repeat(2_097_153), 'too-large'],
    ['bytes that are no UTF-8', new Uint8Array([0x3c, 0xff]), 'not-utf-8'],
    ['too many bytes, undecoded', new Uint8Array(2_097_153), 'too-large'],
    ['a file URL', around('<files><file name="/a" type="url">file:///etc/shadow</file></files>'), 'file-url'],
  ] as const) {
    it(`refuses ${what} with an error of its own`, () => {
      const { valid, problems } = readTemplate(text);
      expect(valid).to.equal(false);
      expect(problems.map(problem => problem.rule)).to.deep.equal([rule]);
    });
  }

  it('takes time in proportion, whatever the text', () => {
    const hostile = ['<', '<a', '<!--', '&', ']]>', '<a b="', '</', '<![CDATA[', '<?', '"', '<a ', '=', '-'];
    for (const piece of hostile) {
      expect(readTemplate(`<template>${piece.repeat(500_000 / piece.length)}`).valid, piece).to.equal(false);
    }
  });

  it('does not name a secret, wherever the text breaks', () => {
    for (const secret of [
      's3<cret',
      's3<cret/>',
      's3</cret>',
      's3&cret;',
      '<s3cret>',
      '<s3cret cret="s3">x</s3cret>',
    ]) {
      for (const name of ['rootpw', 'key']) {
        const text = `<template><name>x</name>${os.replace('</os>', `<${name}>${secret}</${name}></os>`)}</template>`;
        expect(JSON.stringify(readTemplate(text).problems), text).not.to.match(/s3|cret/);
      }
    }
    const attribute = around('').replace('</os>', '<rootpw s3cret="cret">x</rootpw></os>');
    expect(JSON.stringify(readTemplate(attribute).problems)).not.to.match(/s3|cret/);
  });
});

describe('a partial template', () => {
  const partial = (text: string) => readTemplate(text, { form: 'partial' });

  it('has packages, repositories, files and commands', () => {
    const reading = partial(
      `<template><commands><command name='mount'>mount /dev/vdb1 /mnt</command></commands>
       <packages><package name="lorax"/></packages><files><file name="/a">b</file></files></template>`,
    );
    expect(reading.problems).to.deep.equal([]);
    expect(reading.valid && reading.template.commands).to.deep.equal([
      { name: 'mount', script: 'mount /dev/vdb1 /mnt' },
    ]);
  });

  it('leaves the rest unread, with a warning', () => {
    const reading = partial(
      '<template><name/><os><oops/></os><precommands>?</precommands><files/></template>',
    );
    expect(reading.valid).to.equal(true);
    expect(reading.problems.map(({ rule }) => rule)).to.deep.equal([
      'not-read',
      'not-read',
      'not-read',
      'empty-list',
    ]);
    expect(reading.valid && reading.template)
      .to.include({ name: '' })
      .and.not.to.have.property('os');
  });

  it('refuses a file without a name, and what TDL does not have', () => {
    expect(partial('<template><files><file>x</file></files></template>').valid).to.equal(false);
    expect(partial('<template><command name="x">y</command></template>').valid).to.equal(false);
  });
});
