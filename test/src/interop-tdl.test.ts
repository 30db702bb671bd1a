import { printTemplate, readTemplate } from '@imagefactory/agent';
import { expect } from 'chai';
import fc from 'fast-check';
import { before, describe, it } from 'mocha';
import { skipBecause } from './support/lane.js';
import { disagreement } from './tdl/agreement.js';
import { corpusDirectory, corpusFiles, readRecording, record } from './tdl/corpus.js';
import { SchemaOracle } from './tdl/schema-oracle.js';
import { spoiltTemplateArbitrary, templateArbitrary } from './tdl/template.arbitrary.js';

describe("templates, beside Oz's schema asked through xmllint", function () {
  this.timeout(300_000);
  let oracle: SchemaOracle;

  before(async function () {
    const found = await SchemaOracle.find();
    if (typeof found === 'string') skipBecause(this, found);
    oracle = found;
  });

  it('has recorded what the schema says of the corpus', async () => {
    const names = await corpusFiles();
    const verdicts = await oracle.judgeFiles(corpusDirectory, names);
    if (process.env.IMAGEFACTORY_RECORD === '1') await record(oracle.digest, verdicts);
    const { schemaDigest, files } = await readRecording();
    if (schemaDigest !== oracle.digest) {
      console.log(`      this is another tdl.rng than the recorded one: ${oracle.digest}`);
    }
    for (const name of names) expect(files[name]?.schema, name).to.equal(verdicts.get(name));
  });

  for (const [what, texts, count] of [
    ['printed ones', templateArbitrary.map(printTemplate), 500],
    ['spoilt ones', spoiltTemplateArbitrary, 2000],
  ] as const) {
    it(`agrees about templates made at random: ${what}`, async () => {
      const seed = Number(process.env.IMAGEFACTORY_SEED ?? Date.now() % 2 ** 31);
      const sample = fc.sample<string>(texts, { seed, numRuns: count });
      const verdicts = await oracle.judge(sample);
      const valid = verdicts.filter(verdict => verdict === 'valid').length;
      console.log(`      seed ${seed}: ${valid} of ${count} are valid to the schema`);
      expect(valid, 'valid ones').to.be.above(0);
      for (const [index, text] of sample.entries()) {
        const verdict = verdicts[index] ?? 'malformed';
        expect(disagreement(readTemplate(text), verdict), `seed ${seed}, ${verdict}\n${text}`).to.equal(
          undefined,
        );
      }
    });
  }
});
