import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { runProgram } from '../../testing/command.test.fixture.js';
import { exitCodes } from '../exit-codes.js';
import { showTemplate, type TemplateFlags, validateTemplates } from './run.js';
import { localSources } from './sources.js';

const image = '0b3f0c3e-1111-4222-8333-444455556666';
const good = `<template>
  <name>web</name>
  <description>a
page</description>
  <os>
    <name>Debian</name><version>12</version><arch>x86_64</arch>
    <install type="iso"><iso>http://me:iso-geheim@h.example.org/cd.iso</iso>
      <md5sum>http://h.example.org/SUMS</md5sum>
      <extras><file source="http://h.example.org/a" destination="b"/></extras></install>
    <rootpw>geheim</rootpw><key>schluessel</key>
    <kernelparam>quiet</kernelparam><icicle><extra_command>dpkg -l</extra_command></icicle>
  </os>
  <repositories><repository name="r"><url>https://me:repo-geheim@h.example.org/</url>
    <signed>yes</signed><persisted>no</persisted><sslverify>yes</sslverify></repository></repositories>
  <packages><package name="nginx"><repository>r</repository><file>f</file><arguments>-q</arguments></package></packages>
  <precommands><command name="p" type="url">http://me:url-geheim@h.example.org/p.sh</command></precommands>
  <files><file name="/etc/a">hello</file></files>
  <commands><command name="c">echo geheim</command></commands>
  <disk><size>20G</size></disk>
</template>
`;
const bad = '<template>\n  <name/>\n  <files/>\n</template>\n';

describe('imagefactory template', () => {
  let directory: string;
  const at = (name: string): string => join(directory, name);

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'template-cli-'));
    await writeFile(at('good.tdl'), good);
    await writeFile(at('bad.tdl'), bad);
    await writeFile(at('latin-1.tdl'), Buffer.from([0x3c, 0xe4]));
    await writeFile(at('partial.tdl'), '<template><packages><package name="vim"/></packages></template>');
    await mkdir(at('images'));
    await writeFile(
      at(`images/${image}.meta`),
      JSON.stringify({ identifier: image, target: 'mock', template: '<template/>' }),
    );
  });
  after(() => rm(directory, { recursive: true }));

  async function validate(references: string[], flags: TemplateFlags = {}) {
    let output = '';
    const sources = localSources(flags.imgdir ?? at('nowhere'));
    const code = await validateTemplates(references, flags, sources, text => (output += text));
    return { code, output: output.replaceAll(`${directory}/`, '') };
  }

  async function show(reference: string, flags: TemplateFlags = {}) {
    let output = '';
    let errors = '';
    const sources = localSources(flags.imgdir ?? at('nowhere'));
    const code = await showTemplate(
      reference,
      flags,
      sources,
      text => (output += text),
      text => (errors += text),
    );
    return { code, output, errors: errors.replaceAll(`${directory}/`, '') };
  }

  it('tells of each problem where it is, and how the verdict is', async () => {
    expect(await validate([at('good.tdl'), at('bad.tdl')])).to.deep.equal({
      code: exitCodes.invalid,
      output:
        'good.tdl: valid\n' +
        'bad.tdl:1:1: error: <template> has no <os>; add <os> with <name>, <version>, <arch> and <install> to it [missing-element]\n' +
        'bad.tdl:2:3: error: <name> is empty; write <name>my-image</name> [empty-value]\n' +
        'bad.tdl:3:3: warning: <files> is empty; remove it [empty-list]\n' +
        'bad.tdl: not valid\n',
    });
    expect((await validate([at('good.tdl')])).code).to.equal(exitCodes.ok);
  });

  it('has a code of its own for what is not there', async () => {
    const other = image.replace('0', '1');
    expect(await validate([at('gone.tdl'), directory, other], { imgdir: at('images') })).to.deep.equal({
      code: exitCodes.failed,
      output:
        'gone.tdl cannot be read: there is no such file\n' +
        `${directory} cannot be read: it is a directory\n` +
        `${other}: neither a template nor an image has the uuid ${other}\n`,
    });
    expect((await validate([image])).code).to.equal(exitCodes.failed);
  });

  it('takes TDL text, an image, and partial templates', async () => {
    expect(await validate(['<templ/>'])).to.deep.equal({
      code: exitCodes.invalid,
      output:
        "(text):1:1: error: the root element is 'templ'; a TDL document begins with <template> [root]\n(text): not valid\n",
    });
    expect((await validate([image], { imgdir: at('images') })).output).to.include(`${image}: not valid`);
    expect((await validate([at('partial.tdl')])).code).to.equal(exitCodes.invalid);
    expect((await validate([at('partial.tdl')], { partial: true })).code).to.equal(exitCodes.ok);
    expect((await validate([at('latin-1.tdl')])).output).to.equal(
      'latin-1.tdl: error: the template is no UTF-8 text from byte offset 1 on; save it as UTF-8 text [not-utf-8]\nlatin-1.tdl: not valid\n',
    );
  });

  it('prints one JSON object', async () => {
    const { code, output } = await validate([at('bad.tdl'), at('gone.tdl')], { json: true });
    expect(code).to.equal(exitCodes.failed);
    const { valid, templates } = JSON.parse(output) as {
      valid: boolean;
      templates: Record<string, unknown>[];
    };
    expect(valid).to.equal(false);
    expect(templates[0]).to.deep.include({ template: 'bad.tdl', valid: false });
    expect((templates[0]?.problems as unknown[])[1]).to.deep.equal({
      rule: 'empty-value',
      severity: 'error',
      line: 2,
      column: 3,
      path: '/template/name',
      message: '<name> is empty',
      remedy: 'write <name>my-image</name>',
    });
    expect(templates[1]).to.deep.include({
      valid: false,
      unavailable: 'gone.tdl cannot be read: there is no such file',
    });
  });

  it('shows what is in a template, and no password', async () => {
    const { code, output } = await show(at('good.tdl'));
    expect(code).to.equal(exitCodes.ok);
    expect(output).to.equal(`name           web
description    a page
system         Debian 12 on x86_64
install from   http://me:***@h.example.org/cd.iso
               md5 sum at http://h.example.org/SUMS
               with the file http://h.example.org/a as b
root password  ***
product key    ***
kernel         quiet
icicle         dpkg -l
disk           20 GiB
repositories   r: https://me:***@h.example.org/ (signed, for the build only, certificate verified)
precommands    p (from http://me:***@h.example.org/p.sh)
packages       nginx from r in f with -q
files          /etc/a (5 bytes)
commands       c (11 bytes)
`);
    const json = (await show(at('good.tdl'), { json: true })).output;
    expect(json).not.to.match(/geheim|schluessel/);
    expect(JSON.parse(json)).to.deep.include({ name: 'web', diskSize: 20 * 1024 ** 3 });
    expect((await show('<template/>')).output).to.equal('an empty template, for the target mock\n');
  });

  it('shows and checks the template of an image whose passwords were not kept', async () => {
    const hidden = image.replace('0', '2');
    const template = good.replace('geheim</rootpw>', '***</rootpw>');
    await writeFile(
      at(`images/${hidden}.meta`),
      JSON.stringify({ identifier: hidden, target: 'mock', template }),
    );
    const { code, output } = await show(hidden, { imgdir: at('images') });
    expect(code).to.equal(exitCodes.ok);
    expect(output).to.include('root password  ***');
    expect(await validate([hidden], { imgdir: at('images') })).to.deep.equal({
      code: exitCodes.ok,
      output: `${hidden}: valid\n`,
    });
  });

  it('reads no more of a file than a template may have', async () => {
    expect(await validate(['/dev/zero'])).to.deep.equal({
      code: exitCodes.failed,
      output: '/dev/zero cannot be read: it is a device; name a file or a pipe\n',
    });
    await writeFile(at('long.tdl'), Buffer.alloc(2_097_153, 'x'));
    const { code, output } = await validate([at('long.tdl')]);
    expect(code).to.equal(exitCodes.failed);
    expect(output).to.include('long.tdl has more than 2097152 bytes');
  });

  it('shows no template that has errors', async () => {
    expect(await show(at('bad.tdl'))).to.deep.include({ code: exitCodes.invalid, output: '' });
    expect(await show(at('gone.tdl'))).to.deep.equal({
      code: exitCodes.failed,
      output: '',
      errors: 'imagefactory: gone.tdl cannot be read: there is no such file\n',
    });
  });

  it('is a command', async () => {
    const main = new URL('../main.js', import.meta.url).pathname;
    const piped = spawnSync(process.execPath, [main, 'template', 'validate', '-'], {
      encoding: 'utf8',
      input: good,
      timeout: 60_000,
    });
    expect(piped).to.include({ status: 0, stdout: '-: valid\n' });
    const images = ['--imgdir', at('images')];
    expect((await runProgram('template', 'show', image, ...images)).stdout).to.equal(
      'an empty template, for the target mock\n',
    );
    expect((await runProgram('template', 'validate', at('partial.tdl'), '--json')).status).to.equal(
      exitCodes.invalid,
    );
    expect((await runProgram('template', 'validate')).status).to.equal(2);
    expect((await runProgram('template', 'show', '--help')).stdout)
      .to.include('A TEMPLATE is')
      .and.not.to.include('--broker');
  });
});
