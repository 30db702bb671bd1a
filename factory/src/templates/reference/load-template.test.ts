import { BuildError } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { rejection } from '../../testing/until.js';
import {
  firstOf,
  imageTemplates,
  loadTemplate,
  TemplateError,
  type TemplateSource,
  type TemplateSources,
} from '../index.js';

const uuid = '0b3f0c3e-1111-4222-8333-444455556666';
const text = '<template><name>x</name></template>';
const bytes = (content: string): Promise<Uint8Array> => Promise.resolve(Buffer.from(content));

/** Sources of every kind that answer with a template named after what was asked. */
const all: TemplateSources = {
  store: {
    lookup: asked => Promise.resolve(asked === uuid ? { text: text.replace('x', asked) } : undefined),
  },
  fetch: url => bytes(text.replace('x', url)),
  readFile: path => bytes(text.replace('x', path)),
};

async function refusal(reference: string, sources: TemplateSources): Promise<string> {
  const error = await rejection(loadTemplate(reference, sources));
  expect(error).to.be.instanceOf(BuildError);
  return error.message;
}

describe('loadTemplate', () => {
  for (const [reference, name, origin] of [
    [text, 'x', 'text'],
    [`\uFEFF\n ${text}`, 'x', 'text'],
    [uuid, uuid, 'uuid'],
    [` ${uuid.toUpperCase()}\n`, uuid, 'uuid'],
    ['http://h.example.org/t.tdl', 'http://h.example.org/t.tdl', 'url'],
    [' HTTPS://h.example.org/t.tdl ', 'HTTPS://h.example.org/t.tdl', 'url'],
    ['templates/a.tdl', 'templates/a.tdl', 'file'],
    [`./${uuid}`, `./${uuid}`, 'file'],
    [`https://h.example.org/${uuid}`, `https://h.example.org/${uuid}`, 'url'],
  ] as const) {
    it(`takes ${JSON.stringify(reference.slice(0, 50))}`, async () => {
      const loaded = await loadTemplate(reference, all);
      expect([loaded.template.name, loaded.origin]).to.deep.equal([name, origin]);
    });
  }

  it('names the forms that it takes when it gets none of them', async () => {
    const { store, fetch } = all;
    const remote: TemplateSources = { ...(store && { store }), ...(fetch && { fetch }) };
    const forms =
      'give TDL text (<template>…</template>), the uuid of a stored template or of an image or an http or https URL';
    expect(await refusal('', remote)).to.equal(`it is empty; ${forms}`);
    expect(await refusal('/etc/passwd', remote)).to.equal(`'/etc/passwd' is no template; ${forms}`);
    expect(await refusal('file:///etc/passwd', remote)).to.equal(
      `'file:///etc/passwd' is no template; ${forms}`,
    );
    expect(await refusal(`image ${uuid}`, remote)).to.include('is no template');
    expect(await refusal(`x${'y'.repeat(1e6)}`, remote)).to.have.length.below(200);
    for (const password of ['geheim', '2024/geheim', 'x/geheim', 'x@geheim', 'x?geheim', 'x#geheim'])
      expect(await refusal(`ftp://me:${password}@h.example.org/`, remote)).not.to.include('geheim');
    expect(await refusal(uuid, {})).to.equal(
      `'${uuid}' is no template; give TDL text (<template>…</template>)`,
    );
  });

  it('says when a uuid is unknown', async () => {
    const other = uuid.replace('0', '1');
    const error = await rejection(loadTemplate(other, all));
    expect(error).to.be.instanceOf(BuildError).with.property('code', 'template_unavailable');
    expect(error.message).to.equal(`neither a template nor an image has the uuid ${other}`);
  });

  it('asks sources one after the other', async () => {
    const asked: string[] = [];
    const source = (name: string, answer?: string): TemplateSource => ({
      lookup: () => {
        asked.push(name);
        return Promise.resolve(answer === undefined ? undefined : { text: answer });
      },
    });
    const store = firstOf([source('a'), source('b', text), source('c', '<template/>')]);
    expect((await loadTemplate(uuid, { store })).text).to.equal(text);
    expect(asked).to.deep.equal(['a', 'b']);
  });

  it('checks what it got', async () => {
    const error = await rejection(
      loadTemplate(uuid, { store: { lookup: () => Promise.resolve({ text: '<templ/>' }) } }),
    );
    expect(error).to.be.instanceOf(TemplateError);
    expect(
      await refusal('http://h.example.org/', { fetch: () => Promise.resolve(new Uint8Array([255])) }),
    ).to.equal('the template is no UTF-8 text from byte offset 0 on; save it as UTF-8 text');
  });

  describe('with content named by URL', () => {
    const files = (url: string): string =>
      `<template><name>x</name><files><file name="/a" type="url">${url}</file></files>` +
      `<commands><command name="c" type="url">${url}</command><command name="d">d</command></commands></template>`;
    const url = 'http://files.example.org/a';

    it('fetches it once', async () => {
      let fetched = 0;
      const { template, text: shown } = await loadTemplate(files(url), {
        fetch: () => {
          fetched++;
          return bytes('echo hello');
        },
      });
      expect(template.files).to.deep.equal([{ path: '/a', content: Buffer.from('echo hello') }]);
      expect(template.commands).to.deep.equal([
        { name: 'c', script: 'echo hello' },
        { name: 'd', script: 'd' },
      ]);
      expect(fetched).to.equal(1);
      expect(shown).to.equal(files(url));
    });

    it('refuses it where it is not fetched, is no script, or is too much', async () => {
      expect(await refusal(files(url), {})).to.equal(`${url}: content of type="url" is not fetched here`);
      const script = 'look at what its URL gives';
      expect(await refusal(files(url), { fetch: () => bytes(' ') })).to.equal(
        `the script of the command "c" is empty; ${script}`,
      );
      expect(await refusal(files(url), { fetch: () => Promise.resolve(new Uint8Array([255])) })).to.equal(
        `the script of the command "c" is no UTF-8 text; ${script}`,
      );
      const many = Array.from(
        { length: 21 },
        (_, index) => `<file name="/${index}" type="url">${url}/${index}</file>`,
      );
      const template = `<template><name>x</name><files>${many.join('')}</files></template>`;
      expect(await refusal(template, all)).to.include(
        'names 21 files or commands by URL; at most 20 are fetched',
      );
      const limits: number[] = [];
      await loadTemplate(template.replace(many[20] ?? '', ''), {
        fetch: (_url, { limit }) => {
          limits.push(limit);
          return bytes('12345');
        },
      });
      expect(limits.slice(0, 2)).to.deep.equal([16_777_216, 16_777_211]);
    });
  });
});

describe('the template of an image', () => {
  const stored = (template: string) =>
    imageTemplates({
      templateOf: () => Promise.resolve(template),
    });

  it('can be built again', async () => {
    expect((await loadTemplate(uuid, { store: stored(text) })).template.name).to.equal('x');
    expect(await imageTemplates({ templateOf: () => Promise.resolve(undefined) }).lookup(uuid, {})).to.equal(
      undefined,
    );
  });

  it('can not be built again when its passwords were taken out', async () => {
    const system = (password: string, host: string): string =>
      `<template><name>x</name><os><name>D</name><version>1</version><arch>x86_64</arch><install type="url"><url>http://${host}/</url></install>${password}</os></template>`;
    for (const template of [
      system('<rootpw>***</rootpw>', 'h'),
      system('<key>***</key>', 'h'),
      system('', 'me:***@h'),
      system('<rootpw>***</rootpw>', 'h').replace('x86_64', '***'),
      '<template><name>x</name><files><file name="/a" type="url">http://me:***@h/</file></files></template>',
    ]) {
      expect(await refusal(uuid, { store: stored(template) }), template).to.equal(
        `the template of ${uuid} was kept without its passwords; give its text, passwords included`,
      );
    }
    await loadTemplate(uuid, { store: stored('<template><name>***</name></template>') });
  });
});
