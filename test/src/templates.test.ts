import {
  printTemplate,
  readTemplate,
  templateRules,
  type TdlTemplate,
  parseTemplate,
} from '@imagefactory/agent';
import { BuildError } from '@imagefactory/plugin-api';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { disagreement } from './tdl/agreement.js';
import { corpusFiles, readCorpusFile, readRecording, summaryOf } from './tdl/corpus.js';
import { spoiltTemplateArbitrary, templateArbitrary } from './tdl/template.arbitrary.js';

/** With bytes as text, since a Buffer is no Uint8Array to chai. */
function comparable(template: TdlTemplate): unknown {
  const files = template.files.map(({ path, content }) => ({
    path,
    content: content instanceof Uint8Array ? Buffer.from(content).toString('hex') : content,
  }));
  return { ...template, files };
}

describe('the corpus of templates', () => {
  it('gets the recorded verdicts, in its two folders', async () => {
    const { files } = await readRecording();
    const names = await corpusFiles();
    expect(names).to.deep.equal(Object.keys(files).sort());
    expect(names).to.have.length.of.at.least(120);
    for (const name of names) {
      const reading = await readCorpusFile(name);
      expect(summaryOf(reading), name).to.equal(files[name]?.problems);
      expect(reading.valid, name).to.equal(name.startsWith('good/'));
    }
  });

  it("differs from Oz's schema only where the table of rules says so", async () => {
    for (const [name, { schema }] of Object.entries((await readRecording()).files)) {
      expect(disagreement(await readCorpusFile(name), schema), name).to.equal(undefined);
    }
  });

  it('breaks every rule at least once', async () => {
    const { files } = await readRecording();
    const told = new Set(
      Object.values(files).flatMap(({ problems }) => problems.match(/[a-z][\w-]+(?= \d)/g) ?? []),
    );
    // Too long for a file that people look at, or about partial templates.
    const elsewhere = ['too-large', 'too-many-elements', 'not-read'];
    expect(Object.keys(templateRules).filter(rule => !told.has(rule))).to.have.members(elsewhere);
  });
});

describe('any template', () => {
  it('means the same after it was printed and read', () => {
    fc.assert(
      fc.property(templateArbitrary, template => {
        const printed = printTemplate(template);
        const reading = readTemplate(printed);
        expect(reading.valid, `${JSON.stringify(reading.problems)}\n${printed}`).to.equal(true);
        if (reading.valid) expect(comparable(reading.template)).to.deep.equal(comparable(template));
      }),
      { numRuns: 300 },
    );
  });

  it('gets problems that stand in the text, when it is spoilt', () => {
    fc.assert(
      fc.property(spoiltTemplateArbitrary, text => {
        const lines = text.replace(/\r\n?/g, '\n').split('\n');
        for (const { line, column, message, remedy } of readTemplate(text).problems) {
          expect(message).not.to.match(/[\r\n]/);
          expect(remedy).not.to.equal('');
          if (line > 0)
            expect((lines[line - 1] ?? '').length + 1, `${line}:${column}`).to.be.at.least(column);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('hostile bytes', () => {
  it('give the error of a template, or a template, and nothing else', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      spoiltTemplateArbitrary.map(text => new Uint8Array(Buffer.from(text, 'utf8'))),
      fc
        .tuple(spoiltTemplateArbitrary, fc.uint8Array({ minLength: 1, maxLength: 3 }), fc.nat())
        .map(([text, noise, where]) => {
          const all = Buffer.from(text, 'utf8');
          const at = where % (all.length + 1);
          return new Uint8Array(Buffer.concat([all.subarray(0, at), noise, all.subarray(at)]));
        }),
    );
    fc.assert(
      fc.property(bytes, given => {
        for (const form of ['complete', 'build', 'partial'] as const) readTemplate(given, { form });
        try {
          parseTemplate(Buffer.from(given).toString('latin1'));
        } catch (error) {
          expect(error).to.be.instanceOf(BuildError).with.property('code', 'template_invalid');
        }
      }),
      { numRuns: 500 },
    );
  });
});
